// What the Worker asks of its platform, each in one crossing: a crossing into wasm and a property read from there cost
// more than joining a text here. Decides nothing. Bytes that wasm gives are a view of its memory, so they are copied
// before anything is awaited.

// Every turn of a future in wasm is a microtask. workerd's own queueMicrotask takes some 10 microseconds, a promise's
// reaction almost nothing. What a task throws is reported as the original would.
const kept = Promise.resolve();
globalThis.queueMicrotask = (task) => {
  kept.then(() => {
    try {
      task();
    } catch (error) {
      reportError(error);
    }
  });
};

// Bytes that one read takes at most. A burst of small pieces comes as few large ones.
const ROOM = 65536;
// An answer that declares a length up to this is taken in one read, which costs the platform much less than a reader.
const SMALL = 65536;
// Between reads of a copy, milliseconds: a read costs the same for one piece as for all that came meanwhile.
const PACE = 100;

// The head of a request: method, URL, country, colo, region, then a line for each header.
export function requestHead(request) {
  const cf = request.cf ?? {};
  const head = [request.method, request.url, cf.country ?? "", cf.colo ?? "", cf.region ?? ""];
  for (const [name, value] of request.headers) head.push(`${name}:${value}`);
  return head.join("\n");
}

// A promise that is kept when the caller leaves.
export function departure(request) {
  const { signal } = request;
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

export async function wholeBody(request) {
  return new Uint8Array(await request.arrayBuffer());
}

// Reads a stream of bytes piece by piece; undefined at its end.
export class Source {
  constructor(stream) {
    this.reader = stream.getReader({ mode: "byob" });
    this.room = new ArrayBuffer(ROOM);
    this.pace = 0;
    this.hurry = () => {};
  }

  async read() {
    if (this.pace > 0) {
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, this.pace);
        this.hurry = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    const { value, done } = await this.reader.read(new Uint8Array(this.room));
    if (done) return undefined;
    // The same memory serves the next read: wasm copies a piece before it asks for another.
    this.room = value.buffer;
    return value;
  }
}

function pairs(head) {
  return head === "" ? [] : head.split("\n").map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1)];
  });
}

// Whether all of a body is small. What is compressed may be larger than its declared length, and a stream that declares
// one still comes piece by piece.
function isSmall(headers) {
  const length = headers.get("content-length");
  return length !== null && Number(length) <= SMALL && !headers.has("content-encoding") && !headers.get("content-type")?.includes("event-stream");
}

// One call to an upstream.
export class Upstream {
  constructor() {
    this.control = new AbortController();
    this.source = undefined;
    this.small = undefined;
    this.passage = undefined;
    this.intake = undefined;
  }

  // Gives the head of the answer: the status, whether the first read gives all of the body, then a line for each header.
  // If the answer may flow to the caller as it is, what is read here is a copy.
  send(method, url, head, body, mayFlow) {
    return this.ask(method, url, head, body.length > 0 ? body.slice() : undefined, mayFlow);
  }

  // The same with a body that is written piece by piece, of this length if it is known.
  sendPieces(method, url, head, length) {
    const { readable, writable } = length === undefined ? new IdentityTransformStream() : new FixedLengthStream(length);
    this.intake = writable.getWriter();
    // Every write tells of a failure by itself.
    this.intake.closed.catch(() => {});
    return this.ask(method, url, head, readable, false);
  }

  // Done when the platform has taken the piece.
  write(piece) {
    return this.intake.write(piece.slice());
  }

  endBody() {
    return this.intake.close();
  }

  async ask(method, url, head, body, mayFlow) {
    const { signal } = this.control;
    const response = await fetch(url, { method, headers: pairs(head), body, redirect: "manual", signal });
    if (isSmall(response.headers)) {
      this.small = response;
    } else if (response.body) {
      let { body: stream } = response;
      if (mayFlow && response.ok) [this.passage, stream] = stream.tee();
      this.source = new Source(stream);
    }
    const lines = [response.status, this.small ? "whole" : ""];
    for (const [name, value] of response.headers) lines.push(`${name}:${value}`);
    return lines.join("\n");
  }

  async read() {
    return this.small ? new Uint8Array(await this.small.arrayBuffer()) : this.source?.read();
  }

  // The copy is read at leisure as long as the answer flows, and at once where its end is waited for.
  atLeisure() {
    this.source.pace = PACE;
  }

  hurry() {
    this.source.pace = 0;
    this.source.hurry();
  }

  cancel() {
    this.control.abort();
  }
}

export function wholeResponse(status, head, body) {
  return new Response(body.slice(), { status, headers: pairs(head) });
}

// An answer whose body is written piece by piece. A write is done when the platform has taken the piece.
export class Outlet {
  constructor(status, head) {
    const { readable, writable } = new IdentityTransformStream();
    this.response = new Response(readable, { status, headers: pairs(head) });
    this.writable = writable;
    this.flowing = undefined;
    this.stopped = new AbortController();
    this.take();
  }

  take() {
    this.writer = this.writable.getWriter();
    // Every write tells of a failure by itself.
    this.writer.closed.catch(() => {});
  }

  // Lets an upstream's answer flow into the body without passing through here. workerd ends the body where such a flow
  // breaks or is stopped, with `preventAbort` too: only what was closed properly can be followed by more.
  flow(upstream) {
    this.writer.releaseLock();
    upstream.atLeisure();
    const { signal } = this.stopped;
    this.flowing = upstream.passage
      .pipeTo(this.writable, { preventClose: true, preventAbort: true, signal })
      .catch(() => {})
      .finally(() => upstream.hurry());
  }

  // Ends a body that an answer flows into: when it has all of the answer, or with `last` as soon as possible.
  async end(last) {
    const piece = last.slice();
    if (piece.length > 0) this.stopped.abort();
    await this.flowing;
    try {
      this.take();
      if (piece.length > 0) await this.writer.write(piece);
      await this.writer.close();
    } catch (error) {
      if (piece.length > 0) log("warn", JSON.stringify({ level: "WARN", message: "a stream ended without its error event", reason: error.message }));
    }
  }

  write(piece) {
    return this.writer.write(piece.slice());
  }

  close() {
    return this.writer.close();
  }

  abort() {
    return this.writer.abort().catch(() => {});
  }
}

let fire;

// What a timer calls, with its number.
export function onTimer(callback) {
  fire = callback;
}

export function setTimer(milliseconds, number) {
  return setTimeout(() => fire(number), milliseconds);
}

export function clearTimer(handle) {
  clearTimeout(handle);
}

export function randomBytes(out) {
  crypto.getRandomValues(out);
}

// Both are views of wasm's memory: copied before anything is awaited.
export async function signRs256(pkcs8, message) {
  const [key, text] = [pkcs8.slice(), message.slice()];
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const signer = await crypto.subtle.importKey("pkcs8", key, algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign(algorithm.name, signer, text));
}

export function variable(env, name) {
  const value = env[name];
  return typeof value === "string" ? value : undefined;
}

export function binding(env, name) {
  const value = env[name];
  return typeof value === "object" && value !== null ? value : undefined;
}

export async function kvRead(kv, name, cacheTtl) {
  const value = await kv.get(name, { type: "arrayBuffer", cacheTtl });
  return value === null ? undefined : new Uint8Array(value);
}

export async function kvWrite(kv, name, value) {
  await kv.put(name, value.slice());
}

export async function kvRemove(kv, name) {
  await kv.delete(name);
}

// Names that start with a prefix and come after a name, in order: KV can only be walked from the front.
export async function kvNames(kv, prefix, after, limit) {
  const found = [];
  let cursor;
  while (found.length < limit) {
    const page = await kv.list({ prefix, cursor });
    for (const { name } of page.keys) {
      if (after === undefined || compareBytes(name, after) > 0) found.push(name);
    }
    if (page.list_complete) break;
    cursor = page.cursor;
  }
  return found.slice(0, limit);
}

// By their UTF-8, as KV orders them; JavaScript's own order is by UTF-16.
function compareBytes(a, b) {
  const encoder = new TextEncoder();
  const [left, right] = [encoder.encode(a), encoder.encode(b)];
  for (let i = 0; i < left.length && i < right.length; i++) {
    if (left[i] !== right[i]) return left[i] - right[i];
  }
  return left.length - right.length;
}

// Asks a Durable Object. What it refuses is an error with its text.
export async function ask(namespace, name, path, body) {
  const stub = namespace.get(namespace.idFromName(name));
  const response = await stub.fetch(`https://journal${path}`, { method: "POST", body: body.slice() });
  const answer = new Uint8Array(await response.arrayBuffer());
  if (!response.ok) throw new Error(new TextDecoder().decode(answer));
  return answer;
}

// Whether the objects of a namespace have SQLite, asked of a new one, which is gone when it has answered: an object that
// stores nothing is none, and one without a name is found without asking the world.
export async function hasSql(namespace) {
  const answer = await namespace.get(namespace.newUniqueId()).fetch("https://journal/sql", { method: "POST" });
  const text = await answer.text();
  if (!answer.ok) throw new Error(text);
  return text === "true";
}

// Whether this object has SQLite: where it does not, the platform throws.
export function isSql(storage) {
  try {
    return storage.sql.databaseSize >= 0;
  } catch {
    return false;
  }
}

// Runs statements, each a query and its values, all of them or none. Gives the number of rows written.
export function transact(storage, statements) {
  return storage.transactionSync(() =>
    statements.reduce((rows, [query, ...values]) => rows + storage.sql.exec(query, ...values).rowsWritten, 0),
  );
}

// Ends a Durable Object once everything is written, for tests: what it kept in memory is gone.
export async function restart(state) {
  await state.storage.sync();
  state.abort("restarted for a test");
}

// The blobs are one text, divided by line breaks; the first one is the index.
export function countCall(dataset, text, doubles) {
  const blobs = text.split("\n");
  dataset.writeDataPoint({ indexes: [blobs[0]], blobs, doubles: [...doubles] });
}

export function log(level, text) {
  console[level](text);
}
