import { get, init, type ObjectRef, put, remote, shutdown } from "../../bridge/node.js";
import { type BenchRow, measure, quantile, type RoomOptions, secondsOf } from "./measure.js";

export const room =
  "Tasks and actors of one process, by the public default ray.init(): every result is its own and is checked";

const count = 10_000;
const add = remote((a: number, b: number) => a + b);

/** Submits a batch inside a worker; resolves with its seconds. */
const submitInside = remote(async (calls: number) => {
  const began = performance.now();
  const refs: ObjectRef<number>[] = [];
  for (let i = 0; i < calls; i++) refs.push(add.remote(i, 1));
  const values = await get(refs);
  if (values.some((value, i) => value !== i + 1)) throw new Error("A result is wrong.");
  return (performance.now() - began) / 1000;
});

class Counter {
  #count = 0;
  next(): number {
    return this.#count++;
  }
}

/** The rows of the room; the names are those of `ray microbenchmark` where it has them. */
export async function* rows({ rounds }: RoomOptions): AsyncGenerator<BenchRow> {
  await init();
  try {
    yield* ownRows(rounds);
    const why = "Ray's Python package is no dependency of this project, and no environment with it was set up.";
    yield { name: "the same by Python Ray on this machine", not_run: why, target: 1 };
  } finally {
    await shutdown();
  }
}

async function* ownRows(rounds: number): AsyncGenerator<BenchRow> {
  // Until the code is compiled and the heap has its size.
  for (let i = 0; i < 50; i++) await batch(count);
  yield await measure({
    name: "single client tasks async",
    unit: "tasks/s",
    target: 3e6,
    rounds,
    ours: () => medianOf(10, () => batch(count)),
  });
  yield await measure({
    name: "multi client tasks async (submitted inside of workers)",
    unit: "tasks/s",
    target: 5e6,
    rounds,
    ours: () =>
      medianOf(5, async () => {
        const seconds = await get([submitInside.remote(count), submitInside.remote(count)]);
        return (2 * count) / Math.max(...seconds);
      }),
  });
  yield await measure({
    name: "single client tasks sync, p50",
    unit: "us",
    target: 30,
    rounds,
    smallerIsBetter: true,
    ours: () => roundTrip(() => get(add.remote(1, 2))),
  });
  const one = put(1);
  yield await measure({
    name: "single client tasks async with one ObjectRef argument",
    unit: "tasks/s",
    target: 1e6,
    rounds,
    ours: () => medianOf(5, () => batch(count, one)),
  });
  yield await measure({
    name: "chain of dependent tasks",
    unit: "tasks/s",
    target: 3e5,
    rounds,
    async ours() {
      const seconds = await secondsOf(async () => {
        let ref = add.remote(0, 1);
        for (let i = 1; i < count; i++) ref = add.remote(ref, 1);
        if ((await get(ref)) !== count) throw new Error("A result is wrong.");
      });
      return count / seconds;
    },
  });
  const counter = remote(Counter).remote();
  let calls = 0;
  yield await measure({
    name: "1:1 actor calls async",
    unit: "calls/s",
    target: 3e6,
    rounds,
    ours: () =>
      medianOf(10, async () => {
        const seconds = await secondsOf(async () => {
          const refs: ObjectRef<number>[] = [];
          for (let i = 0; i < count; i++) refs.push(counter.next.remote());
          const values = await get(refs);
          if (values.some((value, i) => value !== calls + i)) throw new Error("A result is wrong.");
        });
        calls += count;
        return count / seconds;
      }),
  });
  yield await measure({
    name: "1:1 actor calls sync, p50",
    unit: "us",
    target: 30,
    rounds,
    smallerIsBetter: true,
    ours: () => roundTrip(() => get(counter.next.remote())),
  });
  yield await measure({
    name: "seconds for 1,000,000 queued tasks",
    unit: "s",
    target: 20,
    rounds: Math.min(rounds, 2),
    smallerIsBetter: true,
    ours: () => secondsOf(() => batch(1_000_000)),
  });
}

/** Submits a batch and checks what comes back; returns tasks a second. */
async function batch(size: number, first?: ObjectRef<number>): Promise<number> {
  const seconds = await secondsOf(async () => {
    const refs: ObjectRef<number>[] = [];
    for (let i = 0; i < size; i++) refs.push(first === undefined ? add.remote(i, 1) : add.remote(first, i));
    const values = await get(refs);
    if (values.some((value, i) => value !== i + 1)) throw new Error("A result is wrong.");
  });
  return size / seconds;
}

/** The median of some batches in a row: one round of a figure. */
async function medianOf(batches: number, run: () => Promise<number>): Promise<number> {
  const rates: number[] = [];
  for (let i = 0; i < batches; i++) rates.push(await run());
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
