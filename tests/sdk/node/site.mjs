// The running gateway that the environment names, and the stand-in upstream behind it. `cargo xtask test sdk-node` starts
// both and sets the variables; `face` (tests/src/bin/face.rs) prints them.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';

function variable(name) {
  const value = process.env[name];
  assert.ok(value, `${name} is not set; \`cargo xtask test sdk-node\` sets it`);
  return value;
}

/** A conversation of one message. */
export const said = (text) => [{ role: 'user', content: text }];

/** A name under which the upstream files the calls of one test. */
export const someone = () => `user-${randomUUID()}`;

/** A running gateway and its upstream. */
export class Site {
  constructor() {
    this.origin = variable('POSTERN_URL');
    this.baseURL = variable('OPENAI_BASE_URL');
    this.key = variable('OPENAI_API_KEY');
    this.adminToken = variable('POSTERN_ADMIN_TOKEN');
    this.upstreamOrigin = variable('UPSTREAM_URL');
    // What docs/deploying/differences.md tells of the faces.
    const face = variable('POSTERN_FACE');
    /** Whether everything is played: other faces have the same core, and get a chosen few for each kind of provider. */
    this.isNative = face === 'native';
    /** Whether the platform tells that a caller has left. */
    this.tellsDeparture = face !== 'lambda';
    /** Milliseconds until a revoked key is refused by every process. */
    this.revokedWithin = face === 'lambda' ? 40_000 : 0;
  }

  /** The refusal of a call whose key was just revoked. */
  async refused(ask) {
    const end = performance.now() + this.revokedWithin;
    for (;;) {
      const error = await ask().then(() => undefined, (error) => error);
      if (error) return error;
      assert.ok(performance.now() < end, `a revoked key is not refused within ${this.revokedWithin} ms`);
      await sleep(500);
    }
  }

  /** OpenAI's client, which does not try again on its own. */
  client(options = {}) {
    return new OpenAI({ baseURL: this.baseURL, apiKey: this.key, maxRetries: 0, timeout: 20_000, ...options });
  }

  /** A call of the administration API. */
  async admin(method, path, body) {
    const answer = await fetch(`${this.origin}/admin/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.adminToken}`, 'content-type': 'application/json' },
      body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  }

  /** A key of a tenant. */
  newKey(fields = {}) {
    return this.admin('POST', '/keys', { tenant: 'acme', name: 'suite', models: ['*'], ...fields });
  }

  /** The first record that matches, newest first; it is written a moment after the answer. */
  async recordUntil(matches) {
    for (let tries = 0; tries < 200; tries++) {
      const { data } = await this.admin('GET', '/logs?limit=100');
      const found = data.find(matches);
      if (found) return found;
      await sleep(50);
    }
    assert.fail('no such record was written within 10 s');
  }

  /** What arrived at the upstream under this name, oldest first. */
  async seen(user) {
    return (await fetch(`${this.upstreamOrigin}/seen/${user}`)).json();
  }
}
