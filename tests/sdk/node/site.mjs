// Starts the gateway and the stand-in upstream for one file of tests, as `POSTERN_BIN serve` in a folder of its own.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import OpenAI from 'openai';

const UPSTREAM_KEY = 'sk-upstream-secret';
const WANTED = ['OPENAI_BASE_URL', 'OPENAI_API_KEY', 'POSTERN_ADMIN_TOKEN'];

/** A conversation of one message. */
export const said = (text) => [{ role: 'user', content: text }];

/** A name under which the upstream files the calls of one test. */
export const someone = () => `user-${randomUUID()}`;

/** A running gateway and its upstream. */
export class Site {
  static async start() {
    const site = new Site();
    site.folder = mkdtempSync(join(tmpdir(), 'postern-sdk-'));
    const beside = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
    const stdio = ['pipe', 'pipe', 'inherit'];
    site.upstream = spawn('python3', [beside('upstream.py'), UPSTREAM_KEY], { stdio });
    const port = await firstLine(site.upstream.stdout);
    site.upstreamOrigin = `http://127.0.0.1:${port}`;

    assert.ok(process.env.POSTERN_BIN, "POSTERN_BIN must name the gateway's program; `cargo xtask test sdk-node` sets it");
    // JSON is YAML, so both suites share one document.
    const config = join(site.folder, 'postern.yaml');
    copyFileSync(beside('site.json'), config);
    site.logFile = join(site.folder, 'gateway.log');
    const data = join(site.folder, 'data');
    site.gateway = spawn(
      process.env.POSTERN_BIN,
      ['serve', '--listen', '127.0.0.1:0', '--data', data, '--config', config],
      {
        cwd: site.folder,
        env: { ...process.env, UPSTREAM_URL: `${site.upstreamOrigin}/v1`, UPSTREAM_KEY },
        stdio: ['ignore', 'pipe', openSync(site.logFile, 'w')],
      },
    );
    const values = await valuesOf(site.gateway.stdout);
    for (const name of WANTED) assert.ok(values[name], `the gateway did not print ${name}:\n${site.log()}`);
    site.baseURL = values.OPENAI_BASE_URL;
    site.origin = site.baseURL.replace(/\/v1$/, '');
    site.key = values.OPENAI_API_KEY;
    site.adminToken = values.POSTERN_ADMIN_TOKEN;
    return site;
  }

  /** What the gateway logged. */
  log() {
    return readFileSync(this.logFile, 'utf8');
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

  /** Ends both. */
  async stop() {
    const ended = once(this.gateway, 'exit');
    this.gateway.kill('SIGTERM');
    const [code] = await ended;
    this.upstream.stdin.end();
    const log = this.log();
    rmSync(this.folder, { recursive: true, force: true });
    assert.equal(code, 0, `the gateway ended with ${code}:\n${log}`);
    assert.ok(!log.includes(UPSTREAM_KEY), "the upstream's key is in the log");
  }
}

async function firstLine(stream) {
  for await (const line of createInterface({ input: stream })) return line;
  return assert.fail('the upstream printed nothing');
}

/** Reads NAME=VALUE lines until all are there, and goes on reading so that the pipe cannot fill. */
function valuesOf(stream) {
  const values = {};
  return new Promise((resolve) => {
    const lines = createInterface({ input: stream });
    lines.on('line', (line) => {
      const at = line.indexOf('=');
      if (at > 0) values[line.slice(0, at).trim()] = line.slice(at + 1).trim();
      if (WANTED.every((name) => name in values)) resolve(values);
    });
    lines.on('close', () => resolve(values));
  });
}
