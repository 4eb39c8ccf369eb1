import { StringDecoder } from "node:string_decoder";
import type { MessagePort } from "node:worker_threads";
import { runningTask } from "../context.js";

/** What a worker thread writes its output to: a port of the driver's, and how much of it was written and printed. */
export interface OutputChannel {
  readonly port: MessagePort;
  /** Three words: characters that the worker sent, characters that the driver has printed, and lines that were dropped and not told. */
  readonly counts: SharedArrayBuffer;
}

/** A piece of output: 1 is stdout, 2 is stderr; and what ran when it was written. */
export type Output = readonly [stream: 1 | 2, name: string, text: string];

const sentWord = 0;
export const printedWord = 1;
export const droppedWord = 2;
export const countsBytes = 12;

/** So many characters may be under way. */
const mostUnderWay = 1 << 20;
/** How long a task that prints faster than the driver waits for it, and how long after that in vain it does not. */
const patienceMilliseconds = 200;
const sulkMilliseconds = 1000;

/**
 * Sends what this thread writes to `process.stdout` and `process.stderr` to the driver, at once: nothing is lost when the thread
 * ends at any moment after. A task that prints faster than the driver is held back; where the driver does not print at
 * all, as it computes, output beyond a limit is dropped, and the lines are counted.
 */
export function sendOutput(channel: OutputChannel): void {
  const sender = new OutputSender(channel);
  for (const [stream, target] of [
    [1, process.stdout],
    [2, process.stderr],
  ] as const) {
    const decoder = new StringDecoder("utf8");
    target.write = ((chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
      const [encoding] = rest;
      const isText = typeof chunk === "string" && typeof encoding !== "string";
      sender.send(stream, isText ? chunk : decoder.write(Buffer.from(chunk as string, encoding as BufferEncoding)));
      const done = rest.at(-1);
      if (typeof done === "function") queueMicrotask(() => done());
      return true;
    }) as typeof target.write;
  }
}

class OutputSender {
  readonly #port: MessagePort;
  readonly #counts: Int32Array;
  #patientFrom = 0;

  constructor({ port, counts }: OutputChannel) {
    this.#port = port;
    this.#counts = new Int32Array(counts);
    port.unref();
  }

  send(stream: 1 | 2, text: string): void {
    if (!this.#hasRoom()) {
      Atomics.add(this.#counts, droppedWord, text.split("\n").length - 1);
      return;
    }
    Atomics.add(this.#counts, sentWord, text.length);
    const output: Output = [stream, nameOfRunning(), text];
    this.#port.postMessage(output);
  }

  /** Waits for room, for a while. */
  #hasRoom(): boolean {
    const counts = this.#counts;
    const printed = Atomics.load(counts, printedWord);
    if (((counts[sentWord]! - printed) | 0) <= mostUnderWay) return true;
    const now = performance.now();
    if (now < this.#patientFrom) return false;
    for (let left = patienceMilliseconds; left > 0; left = now + patienceMilliseconds - performance.now()) {
      const seen = Atomics.load(counts, printedWord);
      if (((counts[sentWord]! - seen) | 0) <= mostUnderWay) return true;
      Atomics.wait(counts, printedWord, seen, left);
    }
    this.#patientFrom = performance.now() + sulkMilliseconds;
    return false;
  }
}

/** The name of the function that runs, or of the actor's class. */
function nameOfRunning(): string {
  const task = runningTask();
  if (task === undefined) return "worker";
  return task.actor === undefined ? task.name : task.name.split(".")[0]!;
}
