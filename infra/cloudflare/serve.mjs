// Runs a built Worker in workerd with what wrangler.toml binds, without wrangler's proxy in front of it: for tests and
// benchmarks. Takes one argument, JSON:
//
//   build      the folder with index.js and index_bg.wasm
//   state      the folder where KV and Durable Objects keep their data
//   variables  variables and secrets by name
//   entries    entries for KV, as `wrangler kv bulk put` takes them
//   without    names of bindings to leave out
//
// Prints POSTERN_URL=... once it serves. Ends when its standard input does. A line on standard input is a command:
// `put NAME VALUE` writes an entry of KV behind the Worker's back; each is answered with a line.

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
const modules = [
  { type: "ESModule", path: join(asked.build, "index.js") },
  { type: "CompiledWasm", path: join(asked.build, "index_bg.wasm") },
];
const miniflare = new Miniflare({
  ...options,
  modules: modules.map((module) => ({ ...module, contents: readFileSync(module.path) })),
  modulesRoot: asked.build,
  bindings: { ...options.bindings, ...asked.variables },
  defaultPersistRoot: asked.state,
  cf: { country: "NL", colo: "AMS", region: "North Holland" },
  host: "127.0.0.1",
  unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
});
await miniflare.ready;
if (asked.entries?.length > 0 && !asked.without?.includes("POSTERN")) {
  const kv = await miniflare.getKVNamespace("POSTERN");
  for (const { key, value } of asked.entries) await kv.put(key, value);
}
const url = await miniflare.unsafeGetDirectURL();
console.log(`POSTERN_URL=${url.origin}`);

for await (const line of createInterface({ input: process.stdin })) {
  const [command, name, ...value] = line.split(" ");
  if (command === "put") {
    await (await miniflare.getKVNamespace("POSTERN")).put(name, value.join(" "));
    console.log("done");
  } else {
    console.log(`there is no command ${command}`);
  }
}
await miniflare.dispose();
