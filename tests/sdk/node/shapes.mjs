// What several suites send, and the kinds of providers that they are played against.

/** The formats of providers. Each has a model `on-KIND` in site.json. */
export const KINDS = ['chat', 'responses', 'anthropic', 'gemini', 'bedrock', 'cohere'];

/** The provider's name, for models without an entry. */
export const providerOf = (kind) => (kind === 'chat' ? 'local' : kind);

/** A tool with an argument, and one with none. */
export const WEATHER = {
  name: 'weather',
  description: 'The weather of a city.',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
};
export const CLOCK = { name: 'clock', description: 'The time.', parameters: { type: 'object', properties: {} } };
export const TOOLS = [WEATHER, CLOCK];

/** What the upstream thinks when it is asked to. */
export const THOUGHT = 'Let me think: a naïve question, a fine answer.';
