import { once } from "node:events";
import { MessageChannel, Worker } from "node:worker_threads";
import test, { type ExecutionContext } from "ava";
import { type Bus, createBus, type HandlerContext, transferring } from "../../src/control/index.js";
import { RayflightError } from "../../src/error.js";

function pair(t: ExecutionContext): { left: Bus; right: Bus } {
  const { port1, port2 } = new MessageChannel();
  const left = createBus(port1, { keepAlive: true });
  const right = createBus(port2);
  t.teardown(() => left.close());
  return { left, right };
}

test("both sides call and serve", async (t) => {
  const { left, right } = pair(t);
  left.serve({ double: (value) => (value as number) * 2 });
  right.serve({ greet: async (name) => `hello ${name}` });
  right.serve({ nothing: () => undefined });
  t.is(await right.call("double", 21), 42);
  t.is(await left.call("greet", "spark"), "hello spark");
  t.is(await left.call("nothing", null), undefined);
  t.throws(() => right.serve({ greet: () => 1 }), { message: /already serves "greet"/ });
});

test("an error arrives with its code, message and stack", async (t) => {
  const { left, right } = pair(t);
  left.serve({
    full: () => {
      throw new RayflightError("OBJECT_STORE_FULL", "It is full.", { hint: "Raise it." });
    },
    foreign: async () => {
      throw new TypeError("x is not a function");
    },
  });
  const full = await t.throwsAsync(right.call("full", null), { instanceOf: RayflightError });
  t.like(full, { code: "OBJECT_STORE_FULL", message: "It is full. Raise it." });
  t.regex(full!.stack!, /bus\.test/);
  const foreign = await t.throwsAsync(right.call("foreign", null));
  t.like(foreign, { code: "INTERNAL", message: "x is not a function" });
  t.regex(foreign!.stack!, /^TypeError: .*bus\.test/s);
  t.like(await t.throwsAsync(right.call("unknown", null)), { code: "NOT_FOUND" });
});

test("what cannot be cloned is NOT_SERIALIZABLE in either direction", async (t) => {
  const { left, right } = pair(t);
  left.serve({
    closure: () => () => 1,
    closures: async function* () {
      yield () => 1;
    },
  });
  t.like(await t.throwsAsync(right.call("closure", () => 1)), { code: "NOT_SERIALIZABLE" });
  t.like(await t.throwsAsync(right.call("closure", 1)), { code: "NOT_SERIALIZABLE" });
  const stream = right.stream("closures", 1)[Symbol.asyncIterator]();
  t.like(await t.throwsAsync(stream.next()), { code: "NOT_SERIALIZABLE" });
});

test("SharedArrayBuffers are shared, and named objects move both ways", async (t) => {
  const { left, right } = pair(t);
  const shared = new SharedArrayBuffer(8);
  left.serve({
    write: (buffer) => {
      new Uint8Array(buffer as SharedArrayBuffer)[3] = 7;
      const moved = new Uint8Array([1, 2, 3]);
      return transferring(moved, [moved.buffer]);
    },
    length: (bytes) => (bytes as Uint8Array).length,
  });
  t.deepEqual(await right.call("write", shared), new Uint8Array([1, 2, 3]));
  t.is(new Uint8Array(shared)[3], 7);
  const bytes = new Uint8Array(5);
  t.is(await right.call("length", bytes, { transfer: [bytes.buffer] }), 5);
  t.is(bytes.length, 0, "moved away");
});

test("a cancelled call rejects at once and aborts its handler", async (t) => {
  const { left, right } = pair(t);
  let handlerSignal: AbortSignal | undefined;
  const started = new Promise<void>((resolve) => {
    left.serve({
      wait: (_, { signal }: HandlerContext) => {
        handlerSignal = signal;
        resolve();
        return once(signal, "abort");
      },
    });
  });
  const controller = new AbortController();
  const call = right.call("wait", null, { signal: controller.signal });
  await started;
  controller.abort();
  t.like(await t.throwsAsync(call), { code: "CANCELLED" });
  if (!handlerSignal!.aborted) await once(handlerSignal!, "abort");
  t.true(handlerSignal!.aborted);
  t.like(await t.throwsAsync(right.call("wait", null, { signal: controller.signal })), { code: "CANCELLED" });
});

test("a stream arrives in order and whole, and its handler runs ahead by a bounded window", async (t) => {
  const { left, right } = pair(t);
  let produced = 0;
  left.serve({
    count: async function* (limit) {
      for (; produced < (limit as number); produced++) yield produced;
    },
    sync: () => 0,
  });
  const seen: number[] = [];
  for await (const value of right.stream<number>("count", 1000)) {
    seen.push(value);
    // A call is a round trip: whatever the handler could produce by now, it has.
    await right.call("sync", null);
    t.true(produced <= value + 20, `${produced} produced when ${value} was read`);
  }
  t.deepEqual(
    seen,
    Array.from({ length: 1000 }, (_, i) => i),
  );
});

test("leaving a stream ends its handler, even one that waits", async (t) => {
  const { left, right } = pair(t);
  const events: string[] = [];
  let finished = () => {};
  const done = new Promise<void>((resolve) => {
    finished = resolve;
  });
  left.serve({
    tick: async function* (_: unknown, { signal }: HandlerContext) {
      signal.addEventListener("abort", () => {
        events.push("aborted");
        finished();
      });
      yield 1;
      await new Promise(() => {});
    },
  });
  for await (const value of right.stream("tick", null)) {
    t.is(value, 1);
    break;
  }
  await done;
  t.deepEqual(events, ["aborted"]);
});

test("a stream's error comes after nothing is lost silently, and its signal cancels it", async (t) => {
  const { left, right } = pair(t);
  left.serve({
    broken: async function* () {
      yield 1;
      throw new RayflightError("OBJECT_LOST", "It is gone.");
    },
    endless: async function* () {
      for (let i = 0; ; i++) yield i;
    },
  });
  t.like(
    await t.throwsAsync(async () => {
      for await (const _ of right.stream("broken", null));
    }),
    { code: "OBJECT_LOST" },
  );
  const controller = new AbortController();
  t.like(
    await t.throwsAsync(async () => {
      for await (const value of right.stream("endless", null, { signal: controller.signal })) {
        if (value === 100) controller.abort();
      }
    }),
    { code: "CANCELLED" },
  );
});

test("closing rejects what is pending on both sides, with the reason", async (t) => {
  const { left, right } = pair(t);
  left.serve({ wait: () => new Promise(() => {}) });
  const call = right.call("wait", null);
  const stream = right.stream("wait", null)[Symbol.asyncIterator]().next();
  left.close(new RayflightError("WORKER_DIED", "The node ended."));
  t.like(await t.throwsAsync(call), { code: "WORKER_DIED", message: "The node ended." });
  t.like(await t.throwsAsync(stream), { code: "WORKER_DIED" });
  t.is((await right.closed).code, "WORKER_DIED");
  t.like(await t.throwsAsync(right.call("wait", null)), { code: "WORKER_DIED" });
  t.like(await t.throwsAsync(left.call("wait", null)), { code: "WORKER_DIED" });
  right.close();
  right.notify("wait", null);
});

test("what was posted before close arrives before it", async (t) => {
  const { left, right } = pair(t);
  const seen: unknown[] = [];
  right.serve({ note: (value) => void seen.push(value) });
  for (let i = 0; i < 100; i++) left.notify("note", i);
  left.close();
  await right.closed;
  t.is(seen.length, 100);
});

test("a thread that dies rejects what is pending, and an idle bus keeps no thread alive", async (t) => {
  const dying = new Worker("setTimeout(() => process.exit(3), 0)", { eval: true });
  const bus = createBus(dying);
  t.like(await t.throwsAsync(bus.call("anything", null)), { code: "UNAVAILABLE" });
  const url = new URL("../../src/control/index.js", import.meta.url).href;
  const idle = new Worker(
    `import(${JSON.stringify(url)}).then(({ createBus }) => {
       createBus(require("node:worker_threads").parentPort).serve({ one: () => 1 });
     })`,
    { eval: true },
  );
  t.deepEqual(await once(idle, "exit"), [0]);
});
