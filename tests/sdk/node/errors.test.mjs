// Every way to fail, as the classes that callers of OpenAI's SDK for Node catch.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { Site, said, someone } from './site.mjs';

const site = new Site();
const client = site.client();

const limit = { timeout: 30_000 };
const ask = (model, fields = {}, from = client) =>
  from.chat.completions.create({ model, messages: said('hi'), ...fields });

/** Checks the class and fields of what is thrown. */
async function fails(promise, class_, fields = {}) {
  const error = await promise.then(
    () => assert.fail('nothing was thrown'),
    (error) => error,
  );
  assert.ok(error instanceof class_, `${error?.constructor?.name}: ${error?.message}`);
  for (const [name, value] of Object.entries(fields)) assert.equal(error[name], value, name);
  return error;
}

test('keys: wrong, revoked, not for this model', { timeout: 90_000 }, async () => {
  await fails(ask('assistant', {}, site.client({ apiKey: 'sk-made-up' })), OpenAI.AuthenticationError, {
    code: 'invalid_api_key',
  });
  const key = await site.newKey({ models: ['assistant'] });
  const narrow = site.client({ apiKey: key.key });
  await ask('assistant', {}, narrow);
  await fails(ask('local/lenient', {}, narrow), OpenAI.PermissionDeniedError, { code: 'model_not_allowed' });
  await site.admin('DELETE', `/keys/${key.id}`);
  const refusal = Promise.reject(await site.refused(() => ask('assistant', {}, narrow)));
  await fails(refusal, OpenAI.AuthenticationError, { code: 'revoked_api_key' });
});

test('an unknown model is told the nearest', limit, async () => {
  const error = await fails(ask('asistant'), OpenAI.NotFoundError, { code: 'model_not_found' });
  assert.match(error.message, /assistant/);
});

test('a wrong field is named without asking the upstream', limit, async () => {
  const user = someone();
  await fails(ask('assistant', { temperature: 'warm', user }), OpenAI.BadRequestError, { param: 'temperature' });
  await fails(ask('assistant', { messages: [], user }), OpenAI.BadRequestError, { param: 'messages' });
  assert.deepEqual(await site.seen(user), []);
});

test('what the vendor refuses comes back in its words', limit, async () => {
  const error = await fails(ask('assistant', { temperature: 3 }), OpenAI.BadRequestError, { param: 'temperature' });
  assert.match(error.message, /between 0 and 2/);
});

const CLASSES = [
  ['local/error-429', OpenAI.RateLimitError, 429],
  ['local/error-404', OpenAI.NotFoundError, 404],
  ['local/error-500', OpenAI.InternalServerError, 502],
  ['local/error-401', OpenAI.InternalServerError, 502],
  ['local/html', OpenAI.InternalServerError, 502],
  ['gone/anything', OpenAI.InternalServerError, 502],
  ['impatient', OpenAI.InternalServerError, 504],
];
for (const [model, class_, status] of CLASSES) {
  for (const stream of [false, true]) {
    test(`${model} fails with ${status}${stream ? ' before a stream' : ''}`, limit, async () => {
      const error = await fails(ask(model, { stream }), class_, { status });
      assert.ok(error.code);
      assert.ok(error.requestID);
      assert.doesNotMatch(error.message, /<html|sk-/);
    });
  }
}

test('a rate limit says when to come back, and the SDK waits', limit, async () => {
  const error = await fails(ask('local/error-429'), OpenAI.RateLimitError);
  assert.equal(error.headers.get('retry-after'), '2');
  const start = performance.now();
  const answer = await ask('no-retry-limited', { user: someone() }, site.client({ maxRetries: 1 }));
  assert.equal(answer.choices[0].message.content, 'You said: hi');
  assert.ok(performance.now() - start >= 990);
});

for (const model of ['local/cut', 'local/broken-stream']) {
  test(`${model}: a stream that fails midway says so`, limit, async () => {
    const stream = await ask(model, { stream: true, messages: said('one two three four five six') });
    let text = '';
    await fails(
      (async () => {
        for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? '';
      })(),
      OpenAI.APIError,
    );
    assert.match(text, /^You /);
  });

  test(`${model}: the stream helper rejects`, limit, async () => {
    const stream = client.chat.completions.stream({ model, messages: said('one two three four five six') });
    await fails(stream.finalContent(), OpenAI.OpenAIError);
  });
}

test("the caller's time limit", limit, async () => {
  await fails(ask('local/slow', {}, site.client({ timeout: 300 })), OpenAI.APIConnectionTimeoutError);
});

test('a call that is aborted before its answer is recorded', limit, async () => {
  const { key } = await site.newKey({ tenant: 'node-quitters' });
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 300);
  await fails(
    site.client({ apiKey: key }).chat.completions.create(
      { model: 'local/slow', messages: said('hi') }, { signal: controller.signal },
    ),
    OpenAI.APIUserAbortError,
  );
  const record = await site.recordUntil((record) => record.tenant === 'node-quitters');
  const wanted = site.tellsDeparture ? ['client_closed', 499] : ['ok', 200];
  assert.deepEqual([record.outcome, record.status], wanted);
});

test('nobody listens', limit, async () => {
  await fails(ask('assistant', {}, site.client({ baseURL: 'http://127.0.0.1:9/v1' })), OpenAI.APIConnectionError);
});
