// Whole and streamed answers, tools, structured output and models, with OpenAI's SDK for Node.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { zodFunction, zodResponseFormat } from 'openai/helpers/zod';
import { z } from 'zod';
import { Site, said, someone } from './site.mjs';

const site = new Site();
const client = site.client();

const WEATHER = {
  type: 'function',
  function: {
    name: 'weather',
    parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  },
};
const CLOCK = { type: 'function', function: { name: 'clock', parameters: { type: 'object', properties: {} } } };
const Solution = z.object({
  steps: z.array(z.object({ explanation: z.string(), output: z.string() })),
  answer: z.int(),
});

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

const textOf = (chunks) => chunks.map((chunk) => chunk.choices[0]?.delta?.content ?? '').join('');

describe('whole answers', { timeout: 60_000 }, () => {
  test('an answer arrives as the upstream gave it', async () => {
    const user = someone();
    const response = await client.chat.completions
      .create({ model: 'assistant', messages: said('Good morning, Zürich'), user })
      .asResponse();
    const text = await response.text();
    assert.equal(text, (await site.seen(user))[0].answer);
    assert.equal(JSON.parse(text).choices[0].message.content, 'You said: Good morning, Zürich');
  });

  test('headers name the call', async () => {
    const { data, response, request_id } = await client.chat.completions
      .create({ model: 'assistant', messages: said('hi') })
      .withResponse();
    assert.equal(data._request_id, request_id);
    assert.equal(response.headers.get('x-postern-model'), 'assistant');
    assert.equal(response.headers.get('x-postern-target'), 'local/gpt-4o-mini');
    assert.ok(Number(response.headers.get('x-postern-cost-usd')) > 0);
    const record = await site.recordUntil((record) => record.id === request_id);
    assert.equal(record.outcome, 'ok');
    assert.equal(record.usage_source, 'provider');
  });

  test('fields nobody knows reach the upstream', async () => {
    const user = someone();
    const extra = { vendor_option: { deep: [1, null, 'ü'] }, top_k: 40 };
    await client.chat.completions.create({ model: 'local/lenient', messages: said('hi'), user, ...extra });
    const [{ request }] = await site.seen(user);
    assert.deepEqual({ vendor_option: request.vendor_option, top_k: request.top_k }, extra);
  });

  test('many calls at once get their own answers', async () => {
    const answers = await Promise.all(
      Array.from({ length: 40 }, async (_, count) => {
        const completion = await client.chat.completions.create({ model: 'assistant', messages: said(`n${count}`) });
        return completion.choices[0].message.content;
      }),
    );
    assert.deepEqual(answers, Array.from({ length: 40 }, (_, count) => `You said: n${count}`));
  });
});

describe('streams', { timeout: 60_000 }, () => {
  test('usage is hidden from who did not ask', async () => {
    const user = someone();
    const chunks = await collect(
      await client.chat.completions.create({ model: 'assistant', messages: said('one two'), stream: true, user }),
    );
    assert.equal(textOf(chunks), 'You said: one two');
    assert.ok(chunks.every((chunk) => chunk.choices.length > 0));
    assert.ok(chunks.every((chunk) => !chunk.usage));
    assert.deepEqual((await site.seen(user))[0].request.stream_options, { include_usage: true });
  });

  test('usage is the last event for who asked', async () => {
    const chunks = await collect(
      await client.chat.completions.create({
        model: 'assistant', messages: said('one two'), stream: true, stream_options: { include_usage: true },
      }),
    );
    const last = chunks.at(-1);
    assert.deepEqual(last.choices, []);
    assert.ok(last.usage.total_tokens > 0);
  });

  test('the stream helper', async () => {
    const deltas = [];
    const stream = client.chat.completions
      .stream({ model: 'assistant', messages: said('one two three'), stream_options: { include_usage: true } })
      .on('content', (delta) => deltas.push(delta));
    assert.equal(await stream.finalContent(), 'You said: one two three');
    assert.equal(deltas.join(''), 'You said: one two three');
    assert.ok((await stream.totalUsage()).total_tokens > 0);
    assert.equal((await stream.finalChatCompletion()).choices[0].finish_reason, 'stop');
  });

  test('a caller who aborts cancels the upstream and is recorded', async () => {
    const user = someone();
    const controller = new AbortController();
    // Without being told, the gateway goes on until the upstream ends.
    const model = site.tellsDeparture ? 'local/endless' : 'local/stall';
    const { data: stream, request_id } = await client.chat.completions
      .create({ model, messages: said('one two three'), stream: true, user }, { signal: controller.signal })
      .withResponse();
    let count = 0;
    for await (const _ of stream) if (++count === (site.tellsDeparture ? 8 : 2)) controller.abort();
    const record = await site.recordUntil((record) => record.id === request_id);
    assert.ok(record.usage.output > 0);
    if (!site.tellsDeparture) {
      assert.deepEqual([record.outcome, record.usage_source], ['ok', 'provider']);
      return;
    }
    assert.deepEqual([record.outcome, record.usage_source], ['client_closed', 'estimated']);
    for (let tries = 0; !(await site.seen(user))[0].left_early; tries++) {
      assert.ok(tries < 100, 'the upstream still writes');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
});

describe('tools and structured output', { timeout: 60_000 }, () => {
  test('a whole tool loop by hand', async () => {
    const messages = said('how is the weather');
    const first = await client.chat.completions.create({ model: 'assistant', messages, tools: [WEATHER, CLOCK] });
    const message = first.choices[0].message;
    assert.deepEqual(message.tool_calls.map((call) => call.function.name), ['weather', 'clock']);
    const results = message.tool_calls.map((call) => ({ role: 'tool', tool_call_id: call.id, content: 'fine' }));
    const second = await client.chat.completions.create({
      model: 'assistant', messages: [...messages, message, ...results], tools: [WEATHER, CLOCK],
    });
    assert.equal(second.choices[0].message.content, 'The tools said: fine; fine');
  });

  for (const stream of [false, true]) {
    test(`runTools drives the loop (${stream ? 'streamed' : 'whole'})`, async () => {
      const cities = [];
      const runner = client.chat.completions.runTools({
        model: 'assistant',
        stream,
        messages: said('how is the weather'),
        tools: [{
          type: 'function',
          function: {
            function: ({ city }) => {
              cities.push(city);
              return 'sunny';
            },
            parse: JSON.parse,
            ...WEATHER.function,
          },
        }],
      });
      assert.equal(await runner.finalContent(), 'The tools said: sunny');
      assert.deepEqual(cities, ['Zürich']);
    });
  }

  test('structured output with zod', async () => {
    const completion = await client.chat.completions.parse({
      model: 'assistant', messages: said('solve it'), response_format: zodResponseFormat(Solution, 'solution'),
    });
    assert.deepEqual(completion.choices[0].message.parsed, {
      steps: [{ explanation: 'Zürich', output: 'Zürich' }], answer: 7,
    });
  });

  test('structured output in a stream', async () => {
    const stream = client.chat.completions.stream({
      model: 'assistant', messages: said('solve it'), response_format: zodResponseFormat(Solution, 'solution'),
    });
    const completion = await stream.finalChatCompletion();
    assert.equal(completion.choices[0].message.parsed.answer, 7);
  });

  test('parsed tool arguments', async () => {
    const completion = await client.chat.completions.parse({
      model: 'assistant',
      messages: said('look'),
      tools: [zodFunction({ name: 'lookup', parameters: z.object({ city: z.string(), days: z.int() }) })],
    });
    const [call] = completion.choices[0].message.tool_calls;
    assert.deepEqual(call.function.parsed_arguments, { city: 'Zürich', days: 7 });
  });
});

describe('models', { timeout: 60_000 }, () => {
  test('the list and single ones', async () => {
    const ids = (await collect(client.models.list())).map((model) => model.id);
    assert.ok(ids.includes('assistant'), ids.join());
    assert.equal((await client.models.retrieve('assistant')).id, 'assistant');
    assert.equal((await client.models.retrieve('local/gpt-4o-mini')).id, 'local/gpt-4o-mini');
  });
});
