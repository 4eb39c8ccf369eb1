import test, { type ExecutionContext } from "ava";
import type { Lease, PartWriter, StoredBatch } from "../../src/data/index.js";
import { RandomStream } from "../../src/random.js";
import { idMessage, idsIn, KiB, makeWorld, readIds, receive, seal, stage, type World } from "./world.js";

interface Attempt {
  readonly part: string;
  readonly attempt: number;
  readonly ids: number[];
}

interface ModelTransaction {
  readonly id: string;
  readonly dataset: string;
  readonly finished: Attempt[];
  readonly receiving: { writer: PartWriter; attempt: Attempt }[];
  touchedAt: number;
}

/** What must be true of the registry, kept as plainly as possible. */
class Model {
  /** The ids that a reader who comes now must get. */
  readonly visible = new Map<string, number[]>();
  readonly open = new Map<string, ModelTransaction>();
  readonly ended: { id: string; dataset: string; how: "sealed" | "aborted" | "expired"; again?: () => unknown }[] = [];
  readonly leases: { lease: Lease; ids: number[] }[] = [];
}

const ttl = 60_000;

/** Plays one seeded sequence of events on a registry and on the model; both must agree after each. */
async function play(t: ExecutionContext, seed: number, steps: number): Promise<Record<string, number>> {
  const random = new RandomStream("interleaving", seed);
  const world = makeWorld(t, { memory: 48 * KiB, spillLimit: 64 * KiB });
  const { registry, clock } = world;
  const model = new Model();
  const counts: Record<string, number> = {};
  let nextId = 1;
  const pick = <T>(items: readonly T[]): T | undefined => items[random.integer(Math.max(items.length, 1))];
  const anyOpen = () => pick([...model.open.values()]);

  const events: Record<string, () => Promise<boolean> | boolean> = {
    begin() {
      if (model.open.size >= 4) return false;
      const id = `t${nextId++}`;
      model.open.set(id, { id, dataset: pick(["a", "b"])!, finished: [], receiving: [], touchedAt: clock.now });
      return true;
    },
    stage() {
      const transaction = anyOpen();
      if (transaction === undefined) return false;
      const attempt = { part: `${random.integer(3)}`, attempt: nextId++, ids: [] };
      const { id, dataset } = transaction;
      const writer = stage(world, { transaction: id, dataset, part: attempt.part, attempt: attempt.attempt });
      transaction.receiving.push({ writer, attempt });
      transaction.touchedAt = clock.now;
      return true;
    },
    async append() {
      const transaction = pick([...model.open.values()].filter((open) => open.receiving.length > 0));
      const receiving = transaction && pick(transaction.receiving);
      if (!transaction || !receiving) return false;
      const ids = Array.from({ length: 500 + random.integer(2500) }, () => nextId++);
      transaction.touchedAt = clock.now;
      try {
        await receive(receiving.writer, idMessage(ids));
        receiving.attempt.ids.push(...ids);
      } catch (reason) {
        t.like(reason, { code: "OBJECT_STORE_FULL" });
        transaction.receiving.splice(transaction.receiving.indexOf(receiving), 1);
        receiving.writer.abort();
        counts.full = (counts.full ?? 0) + 1;
      }
      return true;
    },
    finish() {
      const transaction = pick([...model.open.values()].filter((open) => open.receiving.length > 0));
      const receiving = transaction && pick(transaction.receiving);
      if (!transaction || !receiving) return false;
      transaction.receiving.splice(transaction.receiving.indexOf(receiving), 1);
      const { length } = receiving.attempt.ids;
      if (random.integer(5) === 0) {
        t.throws(() => receiving.writer.finish(length + 1), { message: /the part is dropped/ });
      } else {
        t.is(receiving.writer.finish(length).rows, length);
        transaction.finished.push(receiving.attempt);
        transaction.touchedAt = clock.now;
      }
      return true;
    },
    crash() {
      const transaction = pick([...model.open.values()].filter((open) => open.receiving.length > 0));
      const receiving = transaction && pick(transaction.receiving);
      if (!transaction || !receiving) return false;
      transaction.receiving.splice(transaction.receiving.indexOf(receiving), 1);
      receiving.writer.abort();
      t.throws(() => receiving.writer.finish(receiving.attempt.ids.length), { message: /given up by its writer/ });
      return true;
    },
    seal() {
      const transaction = anyOpen();
      if (transaction === undefined || transaction.finished.length === 0) return false;
      const { id, dataset } = transaction;
      const byPart = new Map(transaction.finished.map((attempt) => [attempt.part, attempt]));
      const chosen = [...byPart.values()].map(({ part, attempt, ids }): [string, number, number] => [
        part,
        attempt,
        ids.length,
      ]);
      const mode = pick(["append", "overwrite"] as const)!;
      const again = () => seal(world, chosen, { transaction: id, dataset, mode });
      t.is(again().orphansDropped, transaction.finished.length - chosen.length);
      const added = [...byPart.values()].flatMap(({ ids }) => ids);
      model.visible.set(dataset, mode === "append" ? [...(model.visible.get(dataset) ?? []), ...added] : added);
      model.open.delete(id);
      model.ended.push({ id, dataset, how: "sealed", again });
      for (const { writer } of transaction.receiving) t.throws(() => writer.finish(0), { message: /was sealed/ });
      return true;
    },
    wrongSeal() {
      const transaction = anyOpen();
      if (transaction === undefined) return false;
      const { id, dataset, finished } = transaction;
      const parts: [string, number, number][] = finished.map(({ part, attempt, ids }) => [part, attempt, ids.length]);
      const [first] = parts;
      if (first !== undefined && random.integer(2) === 0) first[2] += 1;
      else parts.push(["9", 9, 9]);
      t.throws(() => seal(world, parts, { transaction: id, dataset }));
      return true;
    },
    sealAgain() {
      const ended = pick(model.ended.filter(({ how }) => how === "sealed"));
      if (ended === undefined) return false;
      t.like(ended.again!(), { duplicate: true });
      t.throws(() => seal(world, [["9", 9, 9]], { transaction: ended.id, dataset: ended.dataset }), {
        message: /sealed/,
      });
      return true;
    },
    abort() {
      const transaction = anyOpen();
      if (transaction === undefined) return false;
      t.is(registry.abort(transaction.id).dropped, transaction.finished.length);
      model.open.delete(transaction.id);
      model.ended.push({ id: transaction.id, dataset: transaction.dataset, how: "aborted" });
      for (const { writer } of transaction.receiving) t.throws(() => writer.finish(0), { message: /was aborted/ });
      return true;
    },
    late() {
      const ended = pick(model.ended);
      if (ended === undefined) return false;
      t.throws(() => stage(world, { transaction: ended.id, dataset: ended.dataset }), {
        message: /was sealed|was aborted|expired/,
      });
      t.deepEqual(registry.abort(ended.id), { dropped: 0, finished: ended.how });
      return true;
    },
    time() {
      clock.now += random.integer(20_000);
      registry.sweep();
      for (const { id, dataset, touchedAt, finished, receiving } of [...model.open.values()]) {
        if (finished.length + receiving.length === 0 || touchedAt + ttl > clock.now) continue;
        model.open.delete(id);
        model.ended.push({ id, dataset, how: "expired" });
      }
      return true;
    },
    open() {
      const name = pick([...model.visible.keys()]);
      if (name === undefined || model.leases.length >= 3) return false;
      model.leases.push({ lease: registry.open(name), ids: model.visible.get(name)! });
      return true;
    },
    async readAndRelease() {
      const held = pick(model.leases);
      if (held === undefined) return false;
      model.leases.splice(model.leases.indexOf(held), 1);
      const messages: StoredBatch[][] = [];
      for (const part of held.lease.info.parts.keys()) {
        const ofPart: StoredBatch[] = [];
        for await (const message of held.lease.read(part)) ofPart.push(message);
        messages.push(ofPart);
      }
      held.lease.release();
      t.deepEqual(messages.flatMap(idsIn), held.ids);
      return true;
    },
    remove() {
      const name = pick([...model.visible.keys()]);
      if (name === undefined) return false;
      t.true(registry.remove(name));
      model.visible.delete(name);
      return true;
    },
  };

  const often: Record<string, number> = {
    begin: 2,
    stage: 5,
    append: 12,
    finish: 4,
    crash: 2,
    seal: 3,
    open: 3,
    readAndRelease: 2,
  };
  const names = Object.keys(events).flatMap((name) => Array.from({ length: often[name] ?? 1 }, () => name));
  for (let step = 0; step < steps; step++) {
    const name = pick(names)!;
    if (await events[name]!()) counts[name] = (counts[name] ?? 0) + 1;
    await check(t, world, model, `seed ${seed}, step ${step}: ${name}`);
  }

  for (const id of [...model.open.keys()]) registry.abort(id);
  for (const { lease } of model.leases) lease.release();
  for (const name of model.visible.keys()) registry.remove(name);
  t.like(world.store.usage(), { memoryUsed: 0, pinned: 0, spillUsed: 0, arenas: 0 }, `seed ${seed}`);
  return counts;
}

async function check(t: ExecutionContext, world: World, model: Model, when: string): Promise<void> {
  const { registry, store } = world;
  const listed = registry.list().map(({ name, rows }) => [name, rows]);
  t.deepEqual(
    new Map(listed as [string, number][]),
    new Map([...model.visible].map(([name, ids]) => [name, ids.length])),
    when,
  );
  t.true(store.usage().memoryUsed <= store.usage().memory, when);
  const open = registry
    .openTransactions()
    .map(({ transaction, staged, receiving }) => [transaction, staged, receiving]);
  const expected = [...model.open.values()]
    .filter(({ finished, receiving }) => finished.length + receiving.length > 0)
    .map(({ id, finished, receiving }) => [id, finished.length, receiving.length]);
  const known = new Set(expected.map(([id]) => id));
  // A transaction whose attempts all crashed is open still, until it expires.
  t.deepEqual(
    open.filter(([id, staged, receiving]) => known.has(id!) || (staged as number) + (receiving as number) > 0).sort(),
    expected.sort(),
    when,
  );
  for (const [name, ids] of model.visible) {
    const found = await readIds(world, name);
    t.true(found.length === ids.length && found.every((id, i) => id === ids[i]), when);
  }
}

test("in any order of events, readers see whole versions and nothing leaks", async (t) => {
  const total: Record<string, number> = {};
  for (let seed = 0; seed < 12; seed++) {
    const counts = await play(t, seed, 300);
    for (const [name, count] of Object.entries(counts)) total[name] = (total[name] ?? 0) + count;
  }
  t.log(total);
  for (const name of ["seal", "wrongSeal", "sealAgain", "abort", "late", "crash", "readAndRelease", "remove", "full"]) {
    t.true((total[name] ?? 0) >= 8, `${name} happened ${total[name] ?? 0} times`);
  }
});
