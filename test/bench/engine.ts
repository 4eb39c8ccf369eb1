import { get, init, type ObjectRef, put, remote, shutdown, wait } from "../../bridge/node.js";
import { liveActors } from "./engine-actors.js";
import { graphEfficiency } from "./engine-graph.js";
import { memoryGrowth } from "./engine-memory.js";
import { openElsewhere, putShare, slowestGet } from "./engine-objects.js";
import { compareOutputs, programRows } from "./engine-programs.js";
import { type BenchRow, compare, measure, quantile, type RoomOptions, secondsOf } from "./measure.js";
import { RayPeer, rayGives, rayPython } from "./ray-peer.js";

export const room =
  "Tasks and actors of one process, by the public default ray.init(), against Python Ray on the same machine: every result is its own and is checked";

const count = 10_000;
const add = remote((a: number, b: number) => a + b);

/** Submits a batch inside a worker; resolves with its seconds. */
const submitInside = remote(async (calls: number) => {
  const began = performance.now();
  const refs: ObjectRef<number>[] = [];
  for (let i = 0; i < calls; i++) refs.push(add.remote(i, 1));
  const values = await get(refs);
  const seconds = (performance.now() - began) / 1000;
  if (values.some((value, i) => value !== i + 1)) throw new Error("A result is wrong.");
  return seconds;
});

class Counter {
  #count = 0;
  next(): number {
    return this.#count++;
  }
}
const RemoteCounter = remote(Counter);

/** Calls all counters in turns; resolves with the seconds. */
class Caller {
  async call(counters: readonly ReturnType<typeof RemoteCounter.remote>[], calls: number): Promise<number> {
    const began = performance.now();
    const refs: ObjectRef<number>[] = [];
    for (let i = 0; i < calls; i++) refs.push(counters[i % counters.length]!.next.remote());
    const values = await get(refs);
    const seconds = (performance.now() - began) / 1000;
    if (new Set(values).size < calls / counters.length) throw new Error("A result is wrong.");
    return seconds;
  }
}

/** A figure of the room. */
interface Figure {
  readonly name: string;
  readonly unit: string;
  /** What ours must reach by itself; absent where the ratio is all that counts. */
  readonly bound?: number;
  readonly smallerIsBetter?: boolean;
  /** What the peer calls it; absent where it is not measured there, for the reason that the name gives. */
  readonly peer?: string;
  readonly rounds?: number;
  ours(): Promise<number>;
}

/** The rows of the room; the names are those of `ray microbenchmark` where it has them. */
export async function* rows(options: RoomOptions): AsyncGenerator<BenchRow> {
  const found = await rayPython();
  const python = "python" in found ? found.python : undefined;
  if ("missing" in found) yield { name: "Python Ray on this machine", not_run: found.missing, target: 1 };
  let peer = python === undefined ? undefined : await RayPeer.start(python);
  try {
    await init();
    const all = [...figures()];
    for (const figure of all) {
      if (figure.peer !== undefined && options.wanted(figure.name)) yield await rowOf(figure, peer, options.rounds);
    }
    // What is held against a number has the machine for itself: a Ray that idles takes some of it, too.
    await peer?.end();
    peer = undefined;
    for (const figure of all) {
      if (figure.peer === undefined && options.wanted(figure.name)) yield await rowOf(figure, peer, options.rounds);
    }
  } finally {
    await shutdown();
    await peer?.end();
  }
  if (python !== undefined) await compareOutputs(python);
  yield* programRows(python, options);
}

async function rowOf(figure: Figure, peer: RayPeer | undefined, rounds: number): Promise<BenchRow> {
  const { name, unit, bound, smallerIsBetter = false, ours } = figure;
  const common = { name, unit, smallerIsBetter, rounds: Math.min(rounds, figure.rounds ?? rounds), ours };
  if (peer === undefined || figure.peer === undefined) {
    if (bound === undefined)
      return { name, not_run: "It is held against Python Ray alone, which is not here.", target: 1 };
    return await measure({ ...common, target: bound });
  }
  const peers = () => peer.measure(figure.peer!);
  return await compare({ ...common, target: 1, bound, peer: "Python Ray", peer_gives: rayGives, peers });
}

/** Makes something at its first use: it does not take a part of the machine from the figures before. */
function lazily<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function* figures(): Generator<Figure> {
  yield {
    name: "single client tasks sync, p50",
    unit: "us",
    bound: 30,
    smallerIsBetter: true,
    peer: "single client tasks sync",
    ours: () => roundTrip(() => get(add.remote(1, 2))),
  };
  yield {
    name: "single client tasks async",
    unit: "tasks/s",
    bound: 3e6,
    peer: "single client tasks async",
    ours: () => medianOfASecond(() => batch(count)),
  };
  yield {
    name: "multi client tasks async (submitted inside of workers)",
    unit: "tasks/s",
    bound: 5e6,
    peer: "multi client tasks async",
    ours: () =>
      medianOfASecond(async () => {
        const seconds = await get([submitInside.remote(count), submitInside.remote(count)]);
        return (2 * count) / Math.max(...seconds);
      }),
  };
  yield {
    name: "resident memory after 5 M finished tasks, as a multiple of that after 1 M",
    unit: "x",
    bound: 1.1,
    smallerIsBetter: true,
    rounds: 3,
    ours: memoryGrowth,
  };
  const one = put(1);
  yield {
    name: "single client tasks async with one ObjectRef argument",
    unit: "tasks/s",
    bound: 1e6,
    peer: "one ObjectRef argument",
    ours: () => medianOfASecond(() => batch(count, one)),
  };
  yield {
    name: "chain of dependent tasks",
    unit: "tasks/s",
    bound: 3e5,
    peer: "chain",
    ours: () =>
      medianOfASecond(async () => {
        const seconds = await secondsOf(async () => {
          let ref = add.remote(0, 1);
          for (let i = 1; i < count; i++) ref = add.remote(ref, 1);
          if ((await get(ref)) !== count) throw new Error("A result is wrong.");
        });
        return count / seconds;
      }),
  };
  const counting = lazily(() => RemoteCounter.remote());
  let calls = 0;
  yield {
    name: "1:1 actor calls sync, p50",
    unit: "us",
    bound: 30,
    smallerIsBetter: true,
    peer: "1:1 actor calls sync",
    ours: () => {
      const counter = counting();
      return roundTrip(async () => calls++ === (await get(counter.next.remote())));
    },
  };
  yield {
    name: "1:1 actor calls async",
    unit: "calls/s",
    bound: 3e6,
    peer: "1:1 actor calls async",
    ours: () => {
      const counter = counting();
      return medianOfASecond(async () => {
        let values: number[] = [];
        const seconds = await secondsOf(async () => {
          const refs: ObjectRef<number>[] = [];
          for (let i = 0; i < count; i++) refs.push(counter.next.remote());
          values = await get(refs);
        });
        if (values.some((value, i) => value !== calls + i)) throw new Error("A result is wrong.");
        calls += count;
        return count / seconds;
      });
    },
  };
  const RemoteCaller = remote(Caller);
  const calling = lazily(() => ({
    callers: [RemoteCaller.remote(), RemoteCaller.remote()],
    pair: [RemoteCounter.remote(), RemoteCounter.remote()],
  }));
  yield {
    name: "n:n actor calls async",
    unit: "calls/s",
    peer: "n:n actor calls async",
    ours: () => {
      const { callers, pair } = calling();
      return medianOfASecond(async () => {
        const seconds = await get(callers.map((caller) => caller.call.remote(pair, count)));
        return (2 * count) / Math.max(...seconds);
      });
    },
  };
  yield {
    name: "single client put calls",
    unit: "puts/s",
    peer: "single client put calls",
    ours: async () => {
      const seconds = await secondsOf(() => {
        for (let i = 0; i < count; i++) put(0);
      });
      return count / seconds;
    },
  };
  yield {
    name: "single client get calls",
    unit: "gets/s",
    peer: "single client get calls",
    ours: async () => {
      const seconds = await secondsOf(async () => {
        for (let i = 0; i < count; i++) await get(one);
      });
      return count / seconds;
    },
  };
  yield {
    name: "single client put gigabytes",
    unit: "GiB/s",
    peer: "single client put gigabytes",
    async ours() {
      const large = new Uint8Array(256 * 2 ** 20).fill(1);
      const began = performance.now();
      using _ref = put(large);
      return large.byteLength / 2 ** 30 / ((performance.now() - began) / 1000);
    },
  };
  yield {
    name: "put of 256 MiB to warm memory, as a share of memcpy's speed",
    unit: "share",
    bound: 0.8,
    ours: putShare,
  };
  yield {
    name: "single client get of bytes, typed arrays and Arrow tables of 8 bytes to 256 MiB: the slowest p50",
    unit: "us",
    bound: 2,
    smallerIsBetter: true,
    ours: slowestGet,
  };
  yield {
    name: "an Arrow table of 256 MiB opened in another worker",
    unit: "ms",
    bound: 5,
    smallerIsBetter: true,
    ours: openElsewhere,
  };
  yield {
    name: "single client wait 1k refs",
    unit: "1k refs/s",
    peer: "single client wait 1k refs",
    async ours() {
      const seconds = await secondsOf(async () => {
        let left = Array.from({ length: 1000 }, (_, i) => add.remote(i, 1));
        while (left.length > 0) [, left] = await wait(left);
      });
      return 1 / seconds;
    },
  };
  yield {
    name: "seconds for 1,000,000 queued tasks (Ray's own figure: 184 s on 64 cores)",
    unit: "s",
    bound: 20,
    smallerIsBetter: true,
    rounds: 2,
    ours: () => secondsOf(() => batch(1_000_000)),
  };
  yield {
    name: "1,000 live actors, shared: until each has answered",
    unit: "s",
    bound: 5,
    smallerIsBetter: true,
    ours: async () => (await liveActors("shared", 1000)).seconds,
  };
  yield {
    name: "resident memory of a shared actor",
    unit: "KiB",
    bound: 64,
    smallerIsBetter: true,
    ours: async () => (await liveActors("shared", 1000)).kib,
  };
  yield {
    name: "50 actors on threads of their own: until each has answered",
    unit: "s",
    smallerIsBetter: true,
    peer: "50 actors",
    rounds: 2,
    ours: async () => (await liveActors("alone", 50)).seconds,
  };
  yield {
    name: "resident memory of an actor on a thread of its own",
    unit: "KiB",
    bound: 20 * 1024,
    smallerIsBetter: true,
    rounds: 2,
    ours: async () => (await liveActors("alone", 50)).kib,
  };
  let seed = 0;
  yield {
    name: "dynamic graph of 100k tasks, 1 us to 10 ms: their CPU time / (2 x wall)",
    unit: "share",
    bound: 0.95,
    rounds: 2,
    ours: () => graphEfficiency(seed === 0 ? 2_000 : 100_000, seed++),
  };
}

/** Submits a batch and checks what comes back; returns tasks a second. */
async function batch(size: number, first?: ObjectRef<number>): Promise<number> {
  let values: number[] = [];
  const seconds = await secondsOf(async () => {
    const refs: ObjectRef<number>[] = [];
    for (let i = 0; i < size; i++) refs.push(first === undefined ? add.remote(i, 1) : add.remote(first, i));
    values = await get(refs);
  });
  if (values.some((value, i) => value !== i + 1)) throw new Error("A result is wrong.");
  return size / seconds;
}

/**
 * The median of as many batches as there are in a second: one round of a figure. A batch of Ray's takes seconds; ours alone
 * would be over before the cores have turned from what ran before.
 */
async function medianOfASecond(run: () => Promise<number>): Promise<number> {
  const rates: number[] = [];
  for (const until = performance.now() + 1000; performance.now() < until; ) rates.push(await run());
  return quantile(rates, 0.5);
}

async function roundTrip(once: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 1000; i++) {
    const began = performance.now();
    await once();
    times.push(performance.now() - began);
  }
  return 1000 * quantile(times, 0.5);
}
