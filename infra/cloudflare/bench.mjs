// Measures the Worker in workerd (budgets P4 and P6): processor time of the workerd process, which here also runs the
// Durable Object that takes the records and the simulators of KV, for each request or chunk. The load generator and the
// upstream are other processes. Arguments: the build's folder, an upstream's address (`postern-bench upstream`), a file
// with the entries of a first start, its key. Prints rows of a table.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions as workerOptions } from "wrangler";

const [build, upstream, entriesFile, key] = process.argv.slice(2);
const root = new URL("../../", import.meta.url).pathname;
const entries = JSON.parse(readFileSync(entriesFile, "utf8"));
const config = {
  providers: Object.fromEntries(
    [["whole", "/whole"], ["paced", "/stream/400/100"], ["burst", "/stream/1000/0"]].map(([name, path]) => [
      name,
      { kind: "openai", base_url: `http://${upstream}${path}/v1`, api_key: "none" },
    ]),
  ),
};
const TICK = 10; // milliseconds of /proc/PID/stat's unit

async function start(modules, options) {
  const state = mkdtempSync(join(tmpdir(), "postern-bench-"));
  const before = new Set(workerds());
  const begun = performance.now();
  const miniflare = new Miniflare({
    ...options,
    modules,
    modulesRoot: build,
    defaultPersistRoot: state,
    unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
    // Without this every fetch goes through another Worker first.
    stripCfConnectingIp: false,
  });
  await miniflare.ready;
  const url = await miniflare.unsafeGetDirectURL();
  const ready = performance.now() - begun;
  const pid = workerds().find((pid) => !before.has(pid));
  return { miniflare, url, pid, ready, end: async () => { await miniflare.dispose(); rmSync(state, { recursive: true, force: true }); } };
}

function workerds() {
  const out = execFileSync("ps", ["--ppid", String(process.pid), "-o", "pid=,comm="], { encoding: "utf8" });
  return out.split("\n").filter((line) => line.includes("workerd")).map((line) => Number.parseInt(line, 10));
}

// User and system time, milliseconds.
function cpu(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK;
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

function call(url, path, body) {
  return new Promise((resolve, reject) => {
    const begun = performance.now();
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json", "content-length": body.length };
    const sent = request(new URL(path, url), { method: body.length ? "POST" : "GET", headers, agent }, (answer) => {
      let size = 0;
      answer.on("data", (piece) => (size += piece.length));
      answer.on("end", () => {
        if (answer.statusCode === 200) resolve({ size, time: performance.now() - begun });
        else reject(new Error(`status ${answer.statusCode}`));
      });
      answer.on("error", reject);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

const text = (size) => "The gateway reads what callers send and passes it on.\n".repeat(Math.ceil(size / 54)).slice(0, size);
const chat = (provider, size, stream) =>
  Buffer.from(JSON.stringify({ model: `${provider}/gpt-4o-mini`, stream, messages: [{ role: "user", content: text(size) }] }));

async function load(site, connections, count, body) {
  const times = [];
  let left = count;
  const before = cpu(site.pid);
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (left-- > 0) times.push((await call(site.url, "/v1/chat/completions", body)).time);
    }),
  );
  const spent = cpu(site.pid) - before;
  times.sort((a, b) => a - b);
  return { each: spent / count, p99: times[Math.floor(times.length * 0.99)] };
}

const row = (id, what, budget, measured, met) =>
  console.log(`| ${id} | ${what} | ${budget} | ${measured} | ${met === undefined ? "" : met ? "met" : "**missed**"} |`);

const modules = [
  { type: "ESModule", path: join(build, "index.js") },
  { type: "CompiledWasm", path: join(build, "index_bg.wasm") },
].map((module) => ({ ...module, contents: readFileSync(module.path) }));
const { workerOptions: options } = workerOptions(join(root, "wrangler.toml"));

const site = await start(modules, options);
const kv = await site.miniflare.getKVNamespace("POSTERN");
for (const { key, value } of entries) await kv.put(key, value);
await kv.put("config", JSON.stringify(config));
await load(site, 16, 500, chat("whole", 1024)); // code gets hot

const small = await load(site, 16, 4000, chat("whole", 1024));
row("P4", "CPU a request, 1 KB prompt, whole answer, 16 connections, key and record on", "<= 0.4 ms", `${small.each.toFixed(2)} ms`, small.each <= 0.4);
row("P4", "the same, p99 of the time to the whole answer", "", `${small.p99.toFixed(1)} ms`);
const large = await load(site, 4, 200, chat("whole", 400_000));
row("P4", "CPU a request, 400 KB prompt", "<= 4 ms", `${large.each.toFixed(2)} ms`, large.each <= 4);
const one = await load(site, 16, 160, chat("paced", 1024, true));
row("P4", "CPU a chunk, 1,600 chunks/s in 16 streams, one format", "<= 30 us", `${((one.each * 1000) / 400).toFixed(1)} us`, (one.each * 1000) / 400 <= 30);
const burst = await load(site, 4, 200, chat("burst", 1024, true));
row("P4", "CPU a stream of 1,000 chunks that come together", "<= 5 ms", `${burst.each.toFixed(2)} ms`, burst.each <= 5);
await site.end();

async function first(modules, options) {
  const times = [];
  for (let i = 0; i < 7; i++) {
    const site = await start(modules, options);
    const spent = cpu(site.pid);
    const { time } = await call(site.url, "/healthz", Buffer.alloc(0));
    times.push({ time, cpu: cpu(site.pid) - spent, ready: site.ready });
    await site.end();
  }
  times.sort((a, b) => a.time - b.time);
  return times[3];
}
const empty = await first([{ type: "ESModule", path: join(build, "index.js"), contents: "export default { fetch: () => new Response() }" }], {
  compatibilityDate: options.compatibilityDate,
});
const ours = await first(modules, options);
row("P6", "the first request to a new isolate, instantiation included, p50 of 7", "<= 30 ms", `${ours.time.toFixed(1)} ms (an empty Worker ${empty.time.toFixed(1)} ms)`, ours.time <= 30);
agent.destroy();
