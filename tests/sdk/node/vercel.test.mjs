// One whole agent with tools, as Vercel's AI SDK runs it, over every kind of provider.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createOpenAI } from '@ai-sdk/openai';
import { Output, generateText, stepCountIs, streamText, tool } from 'ai';
import { z } from 'zod';
import { KINDS } from './shapes.mjs';
import { Site, someone } from './site.mjs';

const site = new Site();
const openai = createOpenAI({ baseURL: site.baseURL, apiKey: site.key });
const limit = { timeout: 30_000 };

const tools = {
  weather: tool({
    description: 'The weather of a city.',
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => `sunny in ${city}`,
  }),
  clock: tool({ description: 'The time.', inputSchema: z.object({}), execute: async () => 'noon' }),
};
const asked = (user) => ({ prompt: `how is it, ${user}`, tools, stopWhen: stepCountIs(4), maxRetries: 0 });

/** Two steps, the first with both calls. */
function check(text, steps) {
  assert.equal(text, 'The tools said: sunny in Zürich; noon');
  assert.equal(steps.length, 2);
  assert.deepEqual(steps[0].toolCalls.map((call) => call.toolName), ['weather', 'clock']);
  assert.deepEqual(steps.map((step) => step.finishReason), ['tool-calls', 'stop']);
}

for (const kind of site.isNative ? KINDS : ['anthropic']) {
  const models = { chat: openai.chat(`on-${kind}`), responses: openai.responses(`on-${kind}`) };
  for (const [api, model] of Object.entries(models)) {
    // With `store` left to itself the AI SDK sends items of earlier answers by their ids only, and nobody has kept them.
    const providerOptions = kind === 'chat' ? { openai: { store: false } } : { openai: { reasoningEffort: 'low', forceReasoning: true, store: false } };

    describe(`the agent by ${api} on ${kind}`, { timeout: 120_000 }, () => {
      test('generateText', limit, async () => {
        const user = someone();
        const { text, steps, totalUsage } = await generateText({ model, providerOptions, ...asked(user) });
        check(text, steps);
        const calls = await site.seen(user);
        assert.equal(totalUsage.outputTokens, calls.reduce((sum, { usage }) => sum + usage.output, 0));
      });

      test('streamText', limit, async () => {
        const result = streamText({ model, providerOptions, ...asked(someone()) });
        let text = '';
        for await (const piece of result.textStream) text += piece;
        check(text, await result.steps);
      });

      test('an object of a schema', limit, async () => {
        const { output } = await generateText({
          model, prompt: 'look', maxRetries: 0,
          output: Output.object({ schema: z.object({ city: z.string(), days: z.number().int() }) }),
        });
        assert.deepEqual(output, { city: 'Zürich', days: 7 });
      });
    });
  }
}
