// OpenAI's SDK for Node as the caller, with every kind of provider behind the gateway: Chat Completions and Responses.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import OpenAI from 'openai';
import { zodFunction, zodResponseFormat, zodTextFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { KINDS, THOUGHT, TOOLS, providerOf } from './shapes.mjs';
import { Site, said, someone } from './site.mjs';

const site = new Site();
const client = site.client();
const limit = { timeout: 30_000 };

const Solution = z.object({
  steps: z.array(z.object({ explanation: z.string(), output: z.string() })),
  answer: z.number().int(),
  note: z.string().nullable(),
});

/** The SDK's figures are the upstream's. */
function sameUsage(usage, seen) {
  assert.deepEqual(
    [usage.prompt_tokens ?? usage.input_tokens, usage.completion_tokens ?? usage.output_tokens, usage.total_tokens],
    [seen.input, seen.output, seen.input + seen.output],
  );
}

/** Runs a loop of two tools by the SDK's own runner; gives it when it is done. */
async function runTools(model, content, fields) {
  const cities = [];
  const runner = client.chat.completions.runTools({
    model,
    messages: said(content),
    tools: [
      zodFunction({
        name: 'weather',
        parameters: z.object({ city: z.string() }),
        function: ({ city }) => {
          cities.push(city);
          return 'sunny, 21°';
        },
      }),
      zodFunction({ name: 'clock', parameters: z.object({}), function: () => 'noon' }),
    ],
    ...fields,
  });
  assert.equal(await runner.finalContent(), 'The tools said: sunny, 21°; noon');
  assert.deepEqual(cities, ['Zürich']);
  return runner;
}

for (const kind of KINDS) {
  const model = `on-${kind}`;
  const thinking = kind === 'chat' ? {} : { reasoning_effort: 'low' };

  describe(`chat completions on ${kind}`, { timeout: 120_000 }, () => {
    test('a stream, by the helper', limit, async () => {
      const user = someone();
      const stream = client.chat.completions.stream({
        model, messages: said(`Grüße 👋 an ${user}`), stream_options: { include_usage: true },
      });
      assert.equal(await stream.finalContent(), `You said: Grüße 👋 an ${user}`);
      const [{ usage }] = await site.seen(user);
      sameUsage(await stream.totalUsage(), usage);
    });

    for (const stream of [false, true]) {
      test(`runTools drives the loop, thoughts and all (${stream ? 'streamed' : 'whole'})`, limit, async () => {
        const user = someone();
        await runTools(model, `how is it, ${user}`, { stream, ...thinking });
        const calls = await site.seen(user);
        assert.equal(calls.length, 2);
      });
    }

    if (!site.isNative) return;

    test('a whole answer', limit, async () => {
      const user = someone();
      const completion = await client.chat.completions.create({ model, messages: said(`Grüße, ${user}`) });
      assert.equal(completion.choices[0].message.content, `You said: Grüße, ${user}`);
      sameUsage(completion.usage, (await site.seen(user))[0].usage);
    });

    test('parse gives what the schema says', limit, async () => {
      const completion = await client.chat.completions.parse({
        model, messages: said('solve it'), response_format: zodResponseFormat(Solution, 'solution'),
      });
      assert.equal(completion.choices[0].message.parsed.steps[0].output, 'Zürich');
    });

    test('errors are of the SDK’s classes', limit, async () => {
      const ask = (name) =>
        client.chat.completions.create({ model: `${providerOf(kind)}/${name}`, messages: said('hi') });
      await assert.rejects(ask('error-429'), OpenAI.RateLimitError);
      await assert.rejects(ask('error-500'), OpenAI.InternalServerError);
      await assert.rejects(ask('nobody-knows-it'), OpenAI.NotFoundError);
    });

    for (const fault of ['cut', 'broken-stream']) {
      test(`${fault}: a stream that fails midway says so`, limit, async () => {
        const stream = client.chat.completions.stream({
          model: `${providerOf(kind)}/${fault}`, messages: said('one two three'),
        });
        await assert.rejects(stream.finalContent(), OpenAI.OpenAIError);
      });
    }
  });

  describe(`responses on ${kind}`, { timeout: 120_000 }, () => {
    const thoughts = kind === 'chat' ? {} : { reasoning: { effort: 'low', summary: 'auto' } };

    test('a stream, by the helper, with parsed output', limit, async () => {
      const numbers = [];
      const stream = client.responses
        .stream({ model, input: 'solve it', text: { format: zodTextFormat(Solution, 'solution') } })
        .on('event', (event) => numbers.push(event.sequence_number));
      const response = await stream.finalResponse();
      assert.equal(response.output_parsed.answer, 7);
      assert.deepEqual(numbers, [...numbers.keys()]);
    });

    if (!site.isNative) return;

    for (const stream of [false, true]) {
      test(`a loop of tools with thoughts (${stream ? 'streamed' : 'whole'})`, limit, async () => {
        const user = someone();
        const input = [{ role: 'user', content: `how is it, ${user}` }];
        const tools = TOOLS.map((tool) => ({ type: 'function', strict: false, ...tool }));
        const ask = () => {
          const asked = { model, input, tools, store: false, include: ['reasoning.encrypted_content'], ...thoughts };
          return stream ? client.responses.stream(asked).finalResponse() : client.responses.create(asked);
        };
        const first = await ask();
        const calls = first.output.filter((item) => item.type === 'function_call');
        assert.deepEqual(calls.map((call) => call.name), ['weather', 'clock']);
        assert.deepEqual(JSON.parse(calls[0].arguments), { city: 'Zürich' });
        if (kind !== 'chat') {
          const items = first.output.filter((item) => item.type === 'reasoning');
          const shown = items.flatMap((item) => [...item.summary, ...(item.content ?? [])]).map((part) => part.text);
          assert.ok(shown.join('').includes(THOUGHT));
        }
        const own = ({ parsed_arguments, ...item }) => item;
        input.push(...first.output.map(own));
        input.push(...calls.map((call) => ({
          type: 'function_call_output', call_id: call.call_id, output: `${call.name} says fine`,
        })));
        const second = await ask();
        assert.equal(second.output_text, 'The tools said: weather says fine; clock says fine');
        sameUsage(second.usage, (await site.seen(user))[1].usage);
      });
    }
  });
}
