// Measures the Worker in workerd (budgets P4, P6 and P11): processor time of the workerd process, which here also runs the
// Durable Object that takes the records and the simulators of KV, for each request or chunk. The load generator and the
// upstream are other processes. Beside it, in the same minutes, Workers of a few lines show what is the platform's own
// part. Arguments: the build's folder, that of a build with ways in for tests, an upstream's address
// (`postern-bench upstream`), a file with the entries of a first start, its key. Prints rows of a table.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions as workerOptions } from "wrangler";

const [build, tested, upstream, entriesFile, key] = process.argv.slice(2);
const root = new URL("../../", import.meta.url).pathname;
const entries = JSON.parse(readFileSync(entriesFile, "utf8"));
const PATHS = { whole: "/whole", paced: "/stream/400/100", burst: "/stream/1000/0" };
const config = {
  providers: Object.fromEntries(
    Object.entries(PATHS).flatMap(([name, path]) => [
      [name, { kind: "openai", base_url: `http://${upstream}${path}/v1`, api_key: "none" }],
      // In this format everything has to be translated.
      [`other-${name}`, { kind: "anthropic", base_url: `http://${upstream}${path}`, api_key: "none" }],
    ]),
  ),
};
const TICK = 10; // milliseconds of /proc/PID/stat's unit

async function start(modules, options, folder = build) {
  const state = mkdtempSync(join(tmpdir(), "postern-bench-"));
  const before = new Set(workerds());
  const begun = performance.now();
  const miniflare = new Miniflare({
    ...options,
    modules,
    modulesRoot: folder,
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

// The same to the nanosecond: what the scheduler has given each thread, known once it sleeps.
function exactCpu(pid) {
  const threads = readdirSync(`/proc/${pid}/task`);
  const given = threads.map((thread) => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]));
  return given.reduce((a, b) => a + b) / 1e6;
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
const chat = (provider, size, stream, usage) =>
  Buffer.from(
    JSON.stringify({
      model: `${provider}/${provider.startsWith("other-") ? "claude-haiku-4-5" : "gpt-4o-mini"}`,
      stream,
      ...(usage ? { stream_options: { include_usage: true } } : {}),
      messages: [{ role: "user", content: text(size) }],
    }),
  );

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

// One call after another, each with what it alone took. Batches of records and garbage collection fall on some of them.
async function single(site, count, body) {
  const spent = [];
  for (let i = 0; i < count; i++) {
    const before = exactCpu(site.pid);
    await call(site.url, "/v1/chat/completions", body);
    await new Promise((resolve) => setTimeout(resolve, 1)); // it goes to sleep
    spent.push(exactCpu(site.pid) - before);
  }
  spent.sort((a, b) => a - b);
  return [0.5, 0.99].map((part) => spent[Math.floor(count * part)]);
}

const row = (id, what, budget, measured, met) =>
  console.log(`| ${id} | ${what} | ${budget} | ${measured} | ${met === undefined ? "" : met ? "met" : "**missed**"} |`);
const CHUNKS = 400; // of a paced stream
const paced = async (site, body) => ((await load(site, 16, 160, body)).each * 1000) / CHUNKS;
const burst = async (site, body) => (await load(site, 4, 200, body)).each;

function worker(folder) {
  return [
    { type: "ESModule", path: join(folder, "index.js") },
    { type: "CompiledWasm", path: join(folder, "index_bg.wasm") },
  ].map((module) => ({ ...module, contents: readFileSync(module.path) }));
}

// A Worker of a few lines, and what it does with a call.
const plain = (lines) => [{ type: "ESModule", path: join(build, "index.js"), contents: `export default { async fetch(request, env) { ${lines} } }` }];
const asked = (path) => `await fetch("http://${upstream}${path}/v1/chat/completions", { method: "POST", body: await request.arrayBuffer() })`;
async function floor(lines, measure) {
  const site = await start(plain(lines), { compatibilityDate: options.compatibilityDate });
  const measured = await measure(site);
  await site.end();
  return measured;
}

async function gateway(folder, variables) {
  const site = await start(worker(folder), { ...options, bindings: { ...options.bindings, ...variables } }, folder);
  const kv = await site.miniflare.getKVNamespace("POSTERN");
  for (const { key, value } of entries) await kv.put(key, value);
  await kv.put("config", JSON.stringify(config));
  return site;
}

const { workerOptions: options } = workerOptions(join(root, "wrangler.toml"));
console.log("| id | what | budget | measured | |\n|---|---|---|---|---|");

let site = await gateway(build, {});
await load(site, 16, 500, chat("whole", 1024)); // code gets hot
const small = await load(site, 16, 4000, chat("whole", 1024));
row("P4", "CPU a request, 1 KB prompt, whole answer, 16 connections, key and record on", "<= 0.4 ms", `${small.each.toFixed(2)} ms`, small.each <= 0.4);
row("P4", "the same, p99 of the time to the whole answer", "", `${small.p99.toFixed(1)} ms`);
const [p50, p99] = await single(site, 2000, chat("whole", 1024));
row("P4", "CPU of a call that is alone, 1 KB prompt, p50 and p99 of 2,000", "<= 3 ms at p99", `${p50.toFixed(2)} ms, ${p99.toFixed(2)} ms`, p99 <= 3);
const large = await load(site, 4, 200, chat("whole", 400_000));
row("P4", "CPU a request, 400 KB prompt", "<= 4 ms", `${large.each.toFixed(2)} ms`, large.each <= 4);
const slow = await paced(site, chat("paced", 1024, true));
row("P4", "CPU a chunk, 1,600 chunks/s in 16 streams, one format", "<= 30 us", `${slow.toFixed(1)} us`, slow <= 30);
const together = await burst(site, chat("burst", 1024, true));
row("P4", "CPU a stream of 1,000 chunks that come together", "<= 5 ms", `${together.toFixed(1)} ms`, together <= 5);
await load(site, 16, 500, chat("other-whole", 1024));
const told = await load(site, 16, 4000, chat("other-whole", 1024));
row("P4", "CPU a request, 1 KB prompt, whole answer, 16 connections, OpenAI's format to Anthropic's and back", "", `${told.each.toFixed(2)} ms`);
const slowTold = await paced(site, chat("other-paced", 1024, true));
row("P4", "CPU a chunk, 1,600 chunks/s in 16 streams, Anthropic's format to OpenAI's", "", `${slowTold.toFixed(1)} us`);
const togetherTold = await burst(site, chat("other-burst", 1024, true));
row("P4", "CPU a stream of 1,000 chunks that come together, likewise", "", `${togetherTold.toFixed(1)} ms`);
await site.end();
site = await gateway(build, { POSTERN_STREAMS: "native" });
await load(site, 16, 500, chat("whole", 1024));
await load(site, 4, 80, chat("burst", 1024, true, true));
const slowNative = await paced(site, chat("paced", 1024, true, true));
row("P4", "CPU a chunk, as above, `POSTERN_STREAMS=native`, usage asked for", "<= 30 us", `${slowNative.toFixed(1)} us`, slowNative <= 30);
const togetherNative = await burst(site, chat("burst", 1024, true, true));
row("P4", "CPU a stream of 1,000 chunks, likewise", "<= 5 ms", `${togetherNative.toFixed(1)} ms`, togetherNative <= 5);
await site.end();

const floors = [
  ["CPU a request of a Worker that answers `ok`", 'return new Response("ok")', (site) => load(site, 16, 4000, chat("whole", 1024)).then(({ each }) => `${each.toFixed(2)} ms`)],
  ["CPU a request of one that fetches the upstream and reads its answer", `return new Response(await (${asked("/whole")}).arrayBuffer())`, (site) => load(site, 16, 4000, chat("whole", 1024)).then(({ each }) => `${each.toFixed(2)} ms`)],
  ["the same, a call that is alone, p50 and p99 of 2,000", `return new Response(await (${asked("/whole")}).arrayBuffer())`, (site) => load(site, 16, 500, chat("whole", 1024)).then(() => single(site, 2000, chat("whole", 1024))).then(([p50, p99]) => `${p50.toFixed(2)} ms, ${p99.toFixed(2)} ms`)],
  ["CPU a chunk of one that returns fetch's response as it is, 16 streams", `return ${asked("/stream/400/100")}`, (site) => paced(site, chat("paced", 1024, true)).then((each) => `${each.toFixed(1)} us`)],
  ["CPU a stream of 1,000 chunks of the same", `return ${asked("/stream/1000/0")}`, (site) => burst(site, chat("burst", 1024, true)).then((each) => `${each.toFixed(1)} ms`)],
];
for (const [what, lines, measure] of floors) row("", what, "", await floor(lines, measure));

async function first(modules, options) {
  const times = [];
  for (let i = 0; i < 7; i++) {
    const site = await start(modules, options);
    const spent = cpu(site.pid);
    const { time } = await call(site.url, "/healthz", Buffer.alloc(0));
    times.push({ time, cpu: cpu(site.pid) - spent });
    await site.end();
  }
  times.sort((a, b) => a.time - b.time);
  return times[3];
}
const empty = await first(plain("return new Response()"), { compatibilityDate: options.compatibilityDate });
const ours = await first(worker(build), options);
row("P6", "the first request to a new isolate, instantiation included, p50 of 7", "<= 30 ms", `${ours.time.toFixed(1)} ms, ${ours.cpu} ms CPU (an empty Worker ${empty.time.toFixed(1)} ms)`, ours.time <= 30);

// What a million calls cost that come at this rate to one isolate, from what the object counts. USD.
const PRICE = { request: 0.3, millisecond: 0.02, object: 0.15, row: 1, read: 0.5, second: 12.5 * 0.128 };
const OBJECT = 0.005; // seconds that an object is at work for a request, an upper bound
const KEPT = 28; // seconds that an isolate keeps a key; the configuration takes a few less
async function money(site, tenant, rate, seconds) {
  const written = async () => {
    const answer = await fetch(new URL("/test", site.url), { method: "POST", body: JSON.stringify({ ask: "written", tenant }) });
    return (await answer.json()).ok;
  };
  const before = await written();
  const calls = [];
  const begun = performance.now();
  for (let i = 0; i < rate * seconds; i++) {
    const wait = begun + (i * 1000) / rate - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    calls.push(call(site.url, "/v1/chat/completions", chat("whole", 1024)));
  }
  await Promise.all(calls);
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const after = await written();
  const [commits, records, rows] = after.map((count, i) => count - before[i]);
  if (records !== calls.length) throw new Error(`${records} records of ${calls.length} calls`);
  const requests = commits / records;
  const parts = [
    PRICE.request,
    // As measured above: at a slow rate most of what the process does is not the call's.
    PRICE.millisecond * small.each,
    PRICE.object * requests,
    PRICE.row * (rows / records),
    PRICE.second * OBJECT * requests,
    PRICE.read * (2 / KEPT / rate),
  ];
  const sum = parts.reduce((a, b) => a + b);
  row(
    "P11",
    `a million calls at ${rate} a second: requests, CPU, requests to objects, ${(rows / records).toFixed(3)} rows a call, object's time, KV reads`,
    "<= 1.00 USD",
    `${parts.map((part) => part.toFixed(2)).join(" + ")} = ${sum.toFixed(2)} USD`,
    sum <= 1,
  );
}
site = await gateway(tested, {});
const tenant = entries.map(({ value }) => JSON.parse(value)).find(({ tenant }) => tenant).tenant;
for (let i = 0; i < 20; i++) await call(site.url, "/v1/chat/completions", chat("whole", 1024));
await new Promise((resolve) => setTimeout(resolve, 2000));
for (const [rate, seconds] of [[1, 45], [10, 15], [100, 10]]) await money(site, tenant, rate, seconds);
await site.end();
agent.destroy();
