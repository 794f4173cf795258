// Runs a built Worker in workerd with what wrangler.toml binds, without wrangler's proxy in front of it: for tests and
// benchmarks. Takes one argument, JSON:
//
//   build      the folder with index.js and index_bg.wasm
//   state      the folder where KV and Durable Objects keep their data
//   variables  variables and secrets by name
//   entries    entries for KV, as `wrangler kv bulk put` takes them
//   without    names of bindings to leave out
//   faults     whether faults.mjs stands between the Worker and its bindings
//   elsewhere  whether the Worker runs a second time, as in another place: with the same KV and Durable Objects
//   without_sql  whether Durable Objects are made without SQLite, as by a wrong migration
//
// Prints POSTERN_URL=... once it serves, and POSTERN_ELSEWHERE=... before. Ends when its standard input does. A line on
// standard input is a command, answered with a line: `put NAME VALUE` writes an entry of KV behind the Worker's back;
// `restart` kills workerd, whatever it is doing, and starts it again on the same storage.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Miniflare } from "miniflare";
import { unstable_getMiniflareWorkerOptions as workerOptions } from "wrangler";

const asked = JSON.parse(process.argv[2]);
const root = new URL("../../", import.meta.url).pathname;
const { workerOptions: options } = workerOptions(join(root, "wrangler.toml"));

for (const name of asked.without ?? []) {
  for (const kind of [options.kvNamespaces, options.durableObjects, options.analyticsEngineDatasets]) {
    if (kind) delete kind[name];
  }
}
const files = [
  { type: "ESModule", path: join(asked.build, "index.js") },
  { type: "CompiledWasm", path: join(asked.build, "index_bg.wasm") },
].map((module) => ({ ...module, contents: readFileSync(module.path) }));
if (asked.faults) {
  const contents = readFileSync(new URL("faults.mjs", import.meta.url), "utf8");
  files.unshift({ type: "ESModule", path: join(asked.build, "faults.mjs"), contents });
}
const NAME = "postern";
const objects = Object.entries(options.durableObjects ?? {}).map(([name, object]) => [
  name,
  asked.without_sql ? { ...object, useSQLite: false } : object,
]);
const worker = {
  ...options,
  name: NAME,
  modules: files,
  modulesRoot: asked.build,
  bindings: { ...options.bindings, ...asked.variables },
  durableObjects: Object.fromEntries(objects),
};
const elsewhere = {
  ...worker,
  name: "elsewhere",
  durableObjects: Object.fromEntries(objects.map(([name, object]) => [name, { ...object, scriptName: NAME }])),
};

// Port 0 is any that is free.
function everything(port, otherPort) {
  const at = (worker, port) => ({ ...worker, unsafeDirectSockets: [{ host: "127.0.0.1", port }] });
  return {
    workers: asked.elsewhere ? [at(worker, port), at(elsewhere, otherPort)] : [at(worker, port)],
    defaultPersistRoot: asked.state,
    cf: { country: "NL", colo: "AMS", region: "North Holland" },
    host: "127.0.0.1",
  };
}

const miniflare = new Miniflare(everything(0, 0));
await miniflare.ready;
if (asked.entries?.length > 0 && !asked.without?.includes("POSTERN")) {
  const kv = await miniflare.getKVNamespace("POSTERN");
  for (const { key, value } of asked.entries) await kv.put(key, value);
}
const url = await miniflare.unsafeGetDirectURL(NAME);
const otherUrl = asked.elsewhere ? await miniflare.unsafeGetDirectURL("elsewhere") : undefined;
if (otherUrl) console.log(`POSTERN_ELSEWHERE=${otherUrl.origin}`);
console.log(`POSTERN_URL=${url.origin}`);

for await (const line of createInterface({ input: process.stdin })) {
  const [command, name, ...value] = line.split(" ");
  if (command === "put") {
    await (await miniflare.getKVNamespace("POSTERN")).put(name, value.join(" "));
    console.log("done");
  } else if (command === "restart") {
    await miniflare.setOptions(everything(Number(url.port), Number(otherUrl?.port ?? 0)));
    await miniflare.ready;
    console.log("done");
  } else {
    console.log(`there is no command ${command}`);
  }
}
await miniflare.dispose();
