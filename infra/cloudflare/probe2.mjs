import { createRequire } from "node:module"; const WS = createRequire("/work/main/infra/cloudflare/serve.mjs")("ws");
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
const root = new URL("../../", "file:///work/main/infra/cloudflare/x").pathname;
const entries = JSON.parse(readFileSync(entriesFile, "utf8"));
const config = {
  providers: { demo: { kind: "demo" }, ...Object.fromEntries(
    [["whole", "/whole"], ["paced", "/stream/400/100"], ["burst", "/stream/1000/0"]].map(([name, path]) => [
      name,
      { kind: "openai", base_url: `http://${upstream}${path}/v1`, api_key: "none" },
    ]),
  ) },
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
    inspectorPort: 9339, stripCfConnectingIp: false, unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
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


const list = JSON.parse(execFileSync("curl",["-s","http://127.0.0.1:9339/json"],{encoding:"utf8"})); console.log(list.map(l=>l.webSocketDebuggerUrl));
const ws = new WS(list[0].webSocketDebuggerUrl); await new Promise(r=>ws.on("open",r)); let id=0; const wait=new Map(); ws.on("message",m=>{const d=JSON.parse(m); if(wait.has(d.id)) wait.get(d.id)(d.result);}); const ask=(method,params)=>new Promise(r=>{wait.set(++id,r); ws.send(JSON.stringify({id,method,params}));});
await ask("Profiler.enable"); await ask("Profiler.setSamplingInterval",{interval:200}); await ask("Profiler.start");
let left=3000; await Promise.all(Array.from({length:16},async()=>{ while(left-->0) await call(site.url, process.env.P||"/healthz", process.env.P?chat("whole",1024):Buffer.alloc(0)); }));
const {profile}=await ask("Profiler.stop"); const self=new Map(); const dt=profile.timeDeltas; const by=new Map(profile.nodes.map(n=>[n.id,n])); profile.samples.forEach((s,i)=>{const n=by.get(s); const k=n.callFrame.functionName+" "+n.callFrame.url.slice(-20)+":"+n.callFrame.lineNumber; self.set(k,(self.get(k)||0)+dt[i]);});
const tot=[...self.values()].reduce((a,b)=>a+b,0); console.log("total ms",tot/1000); for (const [k,v] of [...self].sort((a,b)=>b[1]-a[1]).slice(0,28)) console.log((v/3000).toFixed(1).padStart(8),"us",k); process.exit(0);
