import { mock } from "node:test";
import test from "ava";
import { noteTenant } from "../../src/tasks/rings/tenant.js";
import { call, create, driver, largeValue, PuppetHost, submit } from "./puppet-host.js";

/** Orders of messages that the node must bear. */

const small = { value: 7 } as const;
const done = (task: number, outcome = largeValue() as ReturnType<typeof largeValue> | typeof small) =>
  ({ type: "done", task, outcome, milliseconds: 1 }) as const;

test("an object that is freed while others are waited for is an error for who gets both, not undefined", (t) => {
  const node = new PuppetHost();
  const [object, task] = [2, 3];
  node.send(driver, { type: "put", object, value: 5 }, submit(task));
  node.send(1, { type: "started" });
  node.send(driver, { type: "get", request: 1, objects: [object, task] }, { type: "free", objects: [object] });
  node.send(1, done(task, small));
  t.deepEqual(node.take(driver, "got"), []);
  t.is(node.take(driver, "failed")[0]?.failure.code, "OBJECT_FREED");
});

test("an object that is lost while others are waited for is made again first", (t) => {
  const node = new PuppetHost();
  const [object, task] = [2, 3];
  node.send(driver, submit(object));
  node.send(1, { type: "started" });
  node.send(1, done(object));
  node.send(driver, submit(task));
  node.send(driver, { type: "get", request: 1, objects: [object, task] });
  node.host.lose([object]);
  node.send(1, done(task, small));
  t.deepEqual(node.take(driver, "got"), []);
  node.send(1, done(object));
  t.is(node.take(driver, "got")[0]?.values.length, 2);
});
test("an actor that ends while the lost argument of its call is made again takes nothing with it", (t) => {
  const node = new PuppetHost();
  const [object, actor, called] = [2, 3, 4];
  node.send(driver, submit(object));
  node.send(1, { type: "started" });
  node.send(1, done(object));
  node.send(driver, create(actor), call(called, actor, [{ ref: object }]));
  node.host.lose([object]);
  node.send(2, { type: "started" });
  t.deepEqual(node.take(2, "call"), []);
  node.send(driver, { type: "kill", actor, restart: false });
  t.notThrows(() => node.send(1, done(object)));
});

test("an actor that is put back on its thread while the lost argument of its call is made again gets the call once", (t) => {
  const node = new PuppetHost();
  const [object, actor, called] = [2, 3, 4];
  node.send(driver, submit(object));
  node.send(1, { type: "started" });
  node.send(1, done(object));
  node.send(driver, create(actor, { shared: true, maxRestarts: 1 }), call(called, actor, [{ ref: object }]));
  node.host.lose([object]);
  node.send(2, { type: "started" });
  node.send(2, { type: "constructed", actor, failure: undefined });
  node.send(driver, { type: "kill", actor, restart: true });
  node.send(2, { type: "evicted", actor });
  node.send(1, done(object));
  t.is(node.take(2, "call").length, 1);
});

test("an actor that is put back on its thread while a lost argument of its own is made again is made once", (t) => {
  const node = new PuppetHost();
  const [object, actor] = [2, 3];
  node.send(driver, submit(object));
  node.send(1, { type: "started" });
  node.send(1, done(object));
  node.send(driver, create(actor, { shared: true, maxRestarts: 1, args: [{ ref: object }] }));
  node.host.lose([object]);
  node.send(2, { type: "started" });
  t.deepEqual(node.take(2, "construct"), []);
  node.send(driver, { type: "kill", actor, restart: true });
  node.send(2, { type: "evicted", actor });
  node.send(1, done(object));
  t.deepEqual(
    node.take(2, "construct").map(({ life }) => life),
    [1],
  );
});

test.serial("an actor that left its thread and is back there does not end it with a long call", (t) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  t.teardown(() => mock.timers.reset());
  for (const leaves of [true, false]) {
    const node = new PuppetHost();
    const actor = 2;
    node.send(driver, create(actor, { shared: true, maxRestarts: 1 }));
    node.send(1, { type: "started" }, { type: "constructed", actor, failure: undefined });
    node.send(driver, { type: "kill", actor, restart: true });
    noteTenant(new Int32Array(node.worker(1).words), actor);
    if (leaves) node.send(1, { type: "evicted", actor });
    mock.timers.tick(1000);
    t.is(node.worker(1).stopped, !leaves);
  }
});

test("what a thread that is being ended has still sent counts: results are there, and nothing is held for it for ever", (t) => {
  const node = new PuppetHost();
  const [task, called] = [2, 3];
  node.send(driver, submit(task));
  node.send(1, { type: "started" });
  node.send(driver, { type: "cancel", task, force: true, recursive: false });
  t.true(node.worker(1).stopped);
  // Nobody has noticed yet.
  const base = 2 ** 32;
  node.send(
    1,
    { type: "deposit", task: called, name: "f", outcome: small },
    { type: "put", object: base + 1, value: 5 },
    create(base + 2),
    submit(base + 3),
    { type: "get", request: 1, objects: [base + 3] },
  );
  node.worker(1).died("it was stopped");
  node.send(driver, { type: "share", object: called, outcome: undefined });
  node.send(driver, { type: "get", request: 1, objects: [called] });
  t.deepEqual(node.take(driver, "got")[0]?.values, [7]);
  node.send(driver, { type: "release", objects: [task, called] });
  const next = node.workers.at(-1)!;
  node.send(next, { type: "started" });
  node.send(next, done(base + 3, small));
  const { objects, requests, actors, tasks } = node.host.load();
  t.deepEqual({ objects, requests, actors, tasks }, { objects: 0, requests: 0, actors: 0, tasks: 0 });
});

test("a thread that is told of an actor by its name, or got its handle by a ring, holds it though it is still to be made", (t) => {
  const handle = (actor: number) =>
    ({
      kind: "actor",
      className: "A",
      methods: [],
      calls: { maxTaskRetries: 0, maxPendingCalls: 0, groups: [], methods: {} },
      actor,
    }) as const;
  for (const way of ["name", "ring"] as const) {
    const node = new PuppetHost({ cpus: 2 });
    node.send(driver, submit(2));
    node.send(1, { type: "started" });
    const actor = 3;
    const claim = (by: number, of: number) => {
      const question = { kind: "claim", name: "a", namespace: undefined, handle: handle(of) } as const;
      node.send(by, { type: "ask", question, answer: new SharedArrayBuffer(1024) });
    };
    if (way === "name") {
      claim(driver, actor);
      claim(1, 2 ** 32 + 1);
    } else node.send(1, { type: "holdActor", actor });
    node.send(driver, create(actor));
    node.send(driver, { type: "release", objects: [actor] });
    t.is(node.host.load().actors, 1, way);
    node.send(1, { type: "release", objects: [actor] });
    t.is(node.host.load().actors, 0, way);
  }
});

test("an actor that its maker named and did not come to make holds nothing", (t) => {
  const node = new PuppetHost();
  node.send(driver, submit(2));
  node.send(1, { type: "started" });
  const actor = 2 ** 32 + 1;
  const calls = { maxTaskRetries: 0, maxPendingCalls: 0, groups: [], methods: {} };
  const handle = { kind: "actor", actor, className: "A", methods: [], calls } as const;
  const question = { kind: "claim", name: "a", namespace: undefined, handle } as const;
  node.send(1, { type: "ask", question, answer: new SharedArrayBuffer(1024) });
  const { objects } = node.host.load();
  node.worker(1).died("of a test");
  t.is(node.host.load().objects, objects - 1);
});

test("a task whose lost argument is made again has as many tries as before, and is not taken to be quick", (t) => {
  const node = new PuppetHost();
  const [object, task, next] = [2, 3, 4];
  node.send(driver, submit(object));
  node.send(1, { type: "started" });
  node.send(1, done(object));
  const reads = (id: number) => ({ ...submit(id, [{ ref: object }]), code: 5 });
  node.send(driver, reads(task), { type: "get", request: 1, objects: [task] });
  node.worker(1).died("of a test");
  node.host.lose([object]);
  node.send(2, { type: "started" });
  node.send(2, done(object));
  node.send(driver, reads(next));
  t.deepEqual(
    node.take(2, "run").map((run) => run.task),
    [object, task],
  );
  node.worker(2).died("of a test");
  t.is(node.take(driver, "failed")[0]?.failure.code, "WORKER_DIED");
});

test("a caller that has ended is forgotten, though the actor that it called lives on", (t) => {
  const node = new PuppetHost();
  const actor = 2;
  node.send(driver, create(actor, { maxRestarts: 1 }), { type: "meet", actor });
  node.send(1, { type: "started" }, { type: "constructed", actor, failure: undefined });
  node.send(driver, submit(3));
  node.send(2, { type: "started" });
  node.send(2, { type: "meet", actor }, { ...call(2 * 2 ** 32 + 1, actor), place: { life: 0, sequence: 0 } });
  t.is(node.host.load().lines, 2);
  node.worker(2).died("of a test");
  t.is(node.host.load().lines, 1);
  t.is(node.take(1, "callerEnded").length, 1);
});
