// Anthropic's SDK for Node as the caller, with every kind of provider behind the gateway.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { betaZodTool } from '@anthropic-ai/sdk/helpers/beta/zod';
import { z } from 'zod';
import { KINDS, THOUGHT, TOOLS, providerOf } from './shapes.mjs';
import { Site, said, someone } from './site.mjs';

const site = new Site();
const client = new Anthropic({ baseURL: site.origin, apiKey: site.key, maxRetries: 0, timeout: 20_000 });
const limit = { timeout: 30_000 };
const tools = TOOLS.map(({ name, description, parameters }) => ({ name, description, input_schema: parameters }));

/** The SDK's figures are the upstream's; input, read and written tokens are apart. */
function sameUsage(usage, seen) {
  assert.deepEqual(
    [usage.input_tokens, usage.cache_read_input_tokens ?? 0, usage.cache_creation_input_tokens ?? 0, usage.output_tokens],
    [seen.input - seen.cached - seen.written, seen.cached, seen.written, seen.output],
  );
}

for (const kind of KINDS) {
  const model = `on-${kind}`;
  const thinking = kind === 'chat' ? {} : { thinking: { type: 'enabled', budget_tokens: 2000 } };

  describe(`messages on ${kind}`, { timeout: 120_000 }, () => {
    test('a stream, by the helper', limit, async () => {
      const user = someone();
      const texts = [];
      const stream = client.messages
        .stream({ model, max_tokens: 100, messages: said(`Grüße 👋 an ${user}`) })
        .on('text', (text) => texts.push(text));
      const message = await stream.finalMessage();
      assert.equal(message.content[0].text, `You said: Grüße 👋 an ${user}`);
      assert.equal(texts.join(''), message.content[0].text);
      assert.equal(message.stop_reason, 'end_turn');
      sameUsage(message.usage, (await site.seen(user))[0].usage);
    });

    for (const stream of [false, true]) {
      test(`a loop of tools with thoughts (${stream ? 'streamed' : 'whole'})`, limit, async () => {
        const user = someone();
        const messages = said(`how is it, ${user}`);
        const ask = () => {
          const asked = { model, max_tokens: 4000, messages, tools, ...thinking };
          return stream ? client.messages.stream(asked).finalMessage() : client.messages.create(asked);
        };
        const first = await ask();
        assert.equal(first.stop_reason, 'tool_use');
        const calls = first.content.filter((block) => block.type === 'tool_use');
        assert.deepEqual(calls.map(({ name, input }) => [name, input]), [['weather', { city: 'Zürich' }], ['clock', {}]]);
        if (kind !== 'chat') {
          const thoughts = first.content.filter((block) => block.type === 'thinking').map((block) => block.thinking);
          assert.ok(thoughts.join('').includes(THOUGHT));
        }
        messages.push({ role: 'assistant', content: first.content });
        messages.push({ role: 'user', content: calls.map((call) => ({
          type: 'tool_result', tool_use_id: call.id, content: `${call.name} says fine`,
        })) });
        const second = await ask();
        assert.equal(second.content.at(-1).text, 'The tools said: weather says fine; clock says fine');
        sameUsage(second.usage, (await site.seen(user))[1].usage);
      });
    }

    if (!site.isNative) return;

    test('the tool runner drives the loop', limit, async () => {
      const cities = [];
      const weather = betaZodTool({
        name: 'weather',
        description: 'The weather of a city.',
        inputSchema: z.object({ city: z.string() }),
        run: ({ city }) => {
          cities.push(city);
          return 'sunny, 21°';
        },
      });
      const last = await client.beta.messages.toolRunner({
        model, max_tokens: 500, tools: [weather], messages: said('how is it'),
      });
      assert.deepEqual(cities, ['Zürich']);
      assert.equal(last.content.at(-1).text, 'The tools said: sunny, 21°');
    });

    test('tokens are counted', limit, async () => {
      const { input_tokens } = await client.messages.countTokens({ model, messages: said('one two three') });
      assert.ok(input_tokens > 0);
    });

    test('errors are of the SDK’s classes', limit, async () => {
      const ask = (name) =>
        client.messages.create({ model: `${providerOf(kind)}/${name}`, max_tokens: 20, messages: said('hi') });
      await assert.rejects(ask('error-429'), Anthropic.RateLimitError);
      await assert.rejects(ask('error-500'), Anthropic.InternalServerError);
      await assert.rejects(ask('nobody-knows-it'), Anthropic.NotFoundError);
      const stream = client.messages.stream({
        model: `${providerOf(kind)}/broken-stream`, max_tokens: 50, messages: said('one two three'),
      });
      await assert.rejects(stream.finalMessage(), Anthropic.AnthropicError);
    });
  });
}
