// Records on their way to the objects of their tenants, several in one request. Plain data: what a call has put here is
// sent by whichever call comes to it, so neither a trap in wasm nor a caller who leaves loses any of it.
//
// The call that begins a batch sends it, after a while in which others add to it; they do nothing more. No call waits
// for I/O or a promise of another. A batch whose sender has not come back in time, because the platform ended it or
// the object failed too often, is sent by a later call. An object ignores a record that it has, so sending twice is
// harmless.

import { ask } from "./edge.js";

// How long a batch collects, milliseconds. Waiting is free here, and every batch costs a request and a row: with this, two
// or three calls share them at one call a second.
const WINDOW = 1500;
// A batch of so many records, or characters, is sent at once.
const MANY = 128;
const FULL = 256 * 1024;
// Characters of all records that wait; more are refused.
const MOST = 16 * 1024 * 1024;
// Waits before a batch is offered again: an object that moves or restarts is back in moments.
const AGAIN = [50, 400, 2000, 5000];
// After so long another call takes a batch over. The platform ends a call 30 seconds after its answer.
const LEASE = 30_000;
// After so long a batch that no object takes is given up.
const GIVEN_UP = 300_000;

// By tenant, the batch that collects.
const open = new Map();
// Everything that was not written yet.
const batches = new Set();
let held = 0;

const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));

// Takes a record. False when there is no room for it.
export function enqueue(context, tenants, tenant, record) {
  if (held + record.length > MOST) return false;
  const now = Date.now();
  let batch = open.get(tenant);
  if (batch === undefined) {
    batch = { tenant, records: [], size: 0, begun: now, due: now + LEASE };
    open.set(tenant, batch);
    batches.add(batch);
    context.waitUntil(collect(tenants, batch));
  }
  batch.records.push(record);
  batch.size += record.length;
  held += record.length;
  if (batch.records.length >= MANY || batch.size >= FULL) context.waitUntil(send(tenants, batch));
  for (const left of batches) if (now >= left.due) context.waitUntil(send(tenants, left));
  return true;
}

// Sends what waits, of one tenant or of all, so that a question finds it.
export async function flush(tenants, tenant) {
  const waiting = tenant === undefined ? [...open.values()] : [open.get(tenant) ?? []].flat();
  await Promise.all(waiting.map((batch) => send(tenants, batch)));
}

async function collect(tenants, batch) {
  await pause(WINDOW);
  // Unless it became full, or was asked for.
  if (open.get(batch.tenant) === batch) await send(tenants, batch);
}

async function send(tenants, batch) {
  if (open.get(batch.tenant) === batch) open.delete(batch.tenant);
  batch.due = Date.now() + LEASE;
  const body = new TextEncoder().encode(`[${batch.records.join(",")}]`);
  let reason;
  for (const wait of [...AGAIN, undefined]) {
    try {
      await ask(tenants, batch.tenant, "/append", body);
      forget(batch);
      return;
    } catch (error) {
      reason = error.message;
    }
    if (wait !== undefined) await pause(wait);
    // Another call has sent it meanwhile.
    if (!batches.has(batch)) return;
  }
  const records = batch.records.length;
  if (Date.now() - batch.begun < GIVEN_UP) {
    batch.due = 0;
    console.warn(JSON.stringify({ level: "WARN", message: "records wait for a later call", records, reason }));
  } else {
    forget(batch);
    console.error(JSON.stringify({ level: "ERROR", message: "records could not be written and are lost", records, reason }));
  }
}

function forget(batch) {
  if (batches.delete(batch)) held -= batch.size;
}
