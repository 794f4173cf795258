// Stands between a built Worker and what is bound to it, for tests: KV that is slow or gives what it gave before, Durable
// Objects that are evicted. `POST /faults` says what shall happen from now on in this isolate:
//
//   {"kv": {"delay": MILLISECONDS, "stale": BOOLEAN}}
//              each operation takes so long; a read gives what an earlier one gave for as long as `cacheTtl` allows,
//              as KV does in a place that has read the value before
//   {"evict": TENANT, "when": "before" | "after"}
//              the next request to this tenant's object ends the object, before it is seen or after it was handled
//
// The answer tells how many tenants' objects were made and ended so far.

import Gateway, { Directory, Tenant as RealTenant } from "./index.js";

export { Directory };

let faults = { delay: 0, stale: false };
const seen = new Map();
const objects = { made: 0, ended: 0 };

class FaultyKv {
  constructor(kv) {
    this.kv = kv;
  }

  async get(name, options) {
    const { delay, stale } = faults;
    if (delay > 0) await scheduler.wait(delay);
    const before = seen.get(name);
    if (stale && before?.until > Date.now()) return before.value;
    const value = await this.kv.get(name, options);
    seen.set(name, { value, until: Date.now() + options.cacheTtl * 1000 });
    return value;
  }

  async put(...rest) {
    if (faults.delay > 0) await scheduler.wait(faults.delay);
    return this.kv.put(...rest);
  }

  async delete(...rest) {
    if (faults.delay > 0) await scheduler.wait(faults.delay);
    return this.kv.delete(...rest);
  }

  async list(...rest) {
    if (faults.delay > 0) await scheduler.wait(faults.delay);
    return this.kv.list(...rest);
  }
}

// The object of a tenant. Ended as the platform ends one: calls under way fail, memory is gone, storage stays.
export class Tenant {
  constructor(state, env) {
    this.state = state;
    this.real = new RealTenant(state, env);
    this.eviction = undefined;
    objects.made++;
  }

  end() {
    objects.ended++;
    this.state.abort("evicted for a test");
  }

  async fetch(request) {
    if (new URL(request.url).pathname === "/faults") {
      this.eviction = await request.text();
      return new Response();
    }
    const eviction = this.eviction;
    this.eviction = undefined;
    if (eviction === "before") this.end();
    const answer = await this.real.fetch(request);
    if (eviction === "after") this.end();
    return answer;
  }
}

export default class extends Gateway {
  constructor(context, env) {
    super(context, env.POSTERN ? { ...env, POSTERN: new FaultyKv(env.POSTERN) } : env);
  }

  async fetch(request) {
    if (new URL(request.url).pathname !== "/faults") return super.fetch(request);
    const { kv, evict, when } = await request.json();
    if (kv) faults = { ...faults, ...kv };
    if (evict) {
      const tenant = this.env.TENANTS.get(this.env.TENANTS.idFromName(evict));
      await tenant.fetch("https://object/faults", { method: "POST", body: when });
    }
    return Response.json(objects);
  }
}
