import { type Table, tableFromArrays } from "apache-arrow";
import { get, kill, nodes, type ObjectRef, put, remote } from "../../bridge/node.js";
import { quantile } from "./measure.js";

const MiB = 2 ** 20;
const size = 256 * MiB;

/** Times of `once` in milliseconds, in order. */
async function timesOf(count: number, once: () => unknown): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const began = performance.now();
    await once();
    times.push(performance.now() - began);
  }
  return times;
}

/**
 * How fast 256 MiB are put, as a share of how fast `Uint8Array.set` copies them from the same array to shared memory whose pages
 * have been touched. The store's memory is warm: that of a value that was put and released.
 */
export async function putShare(): Promise<number> {
  const source = new Uint8Array(size).fill(1);
  const target = new Uint8Array(new SharedArrayBuffer(size)).fill(2);
  const copies: number[] = [];
  const puts: number[] = [];
  for (let i = 0; i < 6; i++) {
    copies.push(...(await timesOf(1, () => target.set(source))));
    let ref: ObjectRef | undefined;
    const [time] = await timesOf(1, () => {
      ref = put(source);
    });
    if (i > 0) puts.push(time!);
    ref![Symbol.dispose]();
    // Whatever the node does about it is done once it has answered.
    await nodes();
  }
  return quantile(copies, 0.5) / quantile(puts, 0.5);
}

/** Of bytes, typed arrays and tables of many sizes, the longest median time of `await get(ref)`, in microseconds. */
export async function slowestGet(): Promise<number> {
  const values: unknown[] = [];
  for (const bytes of [8, 1024, 16 * 1024, 64 * 1024, MiB, size]) {
    values.push(
      new Uint8Array(bytes),
      new Float64Array(bytes / 8),
      tableFromArrays({ x: new Float64Array(bytes / 8) }),
    );
  }
  let slowest = 0;
  for (const value of values) {
    using ref = put(value);
    // What somebody holds stays where it is.
    const first = await get(ref);
    const times = await timesOf(5000, () => get(ref));
    if (typeof first !== "object") throw new Error("A result is wrong.");
    slowest = Math.max(slowest, 1000 * quantile(times, 0.5));
  }
  return slowest;
}

class Opener {
  /** Milliseconds to get what the references stand for, one after the other, each checked. */
  async open(refs: readonly ObjectRef<Table>[]): Promise<number[]> {
    const times: number[] = [];
    for (const ref of refs) {
      const began = performance.now();
      const table = await ref.get();
      const last = table.getChild("x")!.get(table.numRows - 1) as number;
      times.push(performance.now() - began);
      if (last !== table.numRows) throw new Error("A result is wrong.");
    }
    return times;
  }
}
const RemoteOpener = remote(Opener);

/** Milliseconds until a thread that never saw it has a table of 256 MiB and its last row: the median of five threads. */
export async function openElsewhere(): Promise<number> {
  const tableOf = (bytes: number): Table =>
    tableFromArrays({ x: new Float64Array(bytes / 16).fill(bytes / 16), y: new Float64Array(bytes / 16) });
  using small = put(tableOf(1024));
  using large = put(tableOf(size));
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const opener = RemoteOpener.remote();
    // The small one has the thread load apache-arrow.
    times.push((await get(opener.open.remote([small, large])))[1]!);
    kill(opener);
  }
  return quantile(times, 0.5);
}
