import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import type { WorkerId } from "../scheduler/events.js";
import { RepeatedLines } from "./repeated-lines.js";
import { droppedWord, type Output, type OutputChannel, printedWord } from "./worker-output.js";

/** What the driver does with the output of workers. */
export interface LogOptions {
  /** Whether it is printed. */
  readonly print: boolean;
  /** Whether lines that many workers say alike are folded. */
  readonly fold: boolean;
  /** A folder for each worker's output, in files `worker-1.out` and `worker-1.err`. */
  readonly directory: string | undefined;
}

/** How long lines like one that was printed are counted instead of printed. */
const windowMilliseconds = 5000;
/** A longer line is printed in parts. */
const longestLine = 1 << 16;

interface Source {
  readonly worker: WorkerId;
  readonly port: MessagePort;
  readonly counts: Int32Array;
  /** Lines of stdout and of stderr that are not complete. */
  readonly open: [out: string, err: string];
  name: string;
}

/**
 * The output of all worker threads in the driver: each line with who wrote it in front, in the order in which its worker
 * wrote it. What was sent before the process ends is printed then.
 */
export class DriverLogs {
  readonly #options: LogOptions;
  readonly #sources = new Set<Source>();
  readonly #repeated = { 1: new RepeatedLines(windowMilliseconds), 2: new RepeatedLines(windowMilliseconds) };
  readonly #drain = () => this.#takeAll();
  readonly #atExit = () => this.close();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LogOptions) {
    this.#options = options;
    if (options.directory !== undefined) mkdirSync(options.directory, { recursive: true });
    // While there is time to write to a pipe that is full, and when there is none.
    process.on("beforeExit", this.#drain);
    process.once("exit", this.#atExit);
  }

  /** A worker's thread writes to this channel. */
  add(worker: WorkerId, { port, counts }: OutputChannel): void {
    const source: Source = { worker, port, counts: new Int32Array(counts), open: ["", ""], name: "worker" };
    this.#sources.add(source);
    port.on("message", (output: Output) => this.#take(source, output));
    port.once("close", () => this.#end(source));
    port.unref();
  }

  /** Prints what has come and what was folded. */
  close(): void {
    process.off("beforeExit", this.#drain);
    process.off("exit", this.#atExit);
    this.#takeAll();
    for (const source of this.#sources) {
      this.#end(source);
      source.port.close();
    }
    clearTimeout(this.#timer);
    this.#tellRepeated(true);
  }

  #takeAll(): void {
    for (const source of this.#sources) {
      for (;;) {
        const next = receiveMessageOnPort(source.port) as { message: Output } | undefined;
        if (next === undefined) break;
        this.#take(source, next.message);
      }
    }
  }

  #take(source: Source, [stream, name, text]: Output): void {
    const { open, counts, worker } = source;
    const { directory } = this.#options;
    if (directory !== undefined) {
      appendFileSync(join(directory, `worker-${worker}.${stream === 1 ? "out" : "err"}`), text);
    }
    source.name = name;
    const lines = (open[stream - 1] + text).split("\n");
    const rest = lines.pop()!;
    if (rest.length > longestLine) lines.push(rest);
    open[stream - 1] = rest.length > longestLine ? "" : rest;
    for (const line of lines) this.#say(source, stream, line);
    Atomics.add(counts, printedWord, text.length);
    Atomics.notify(counts, printedWord);
    this.#tellDropped(source);
  }

  #end(source: Source): void {
    if (!this.#sources.delete(source)) return;
    this.#tellDropped(source);
    for (const stream of [1, 2] as const)
      if (source.open[stream - 1] !== "") this.#say(source, stream, source.open[stream - 1]!);
  }

  #tellDropped(source: Source): void {
    const dropped = Atomics.exchange(source.counts, droppedWord, 0);
    if (dropped > 0) this.#say(source, 2, `${dropped} lines were dropped, as they came faster than they were printed`);
  }

  #say({ worker, name }: Source, stream: 1 | 2, line: string): void {
    if (!this.#options.print) return;
    const from = `(${name} wid=${worker})`;
    const text = line.endsWith("\r") ? line.slice(0, -1) : line;
    if (this.#options.fold) {
      if (!this.#repeated[stream].admit(text, from, performance.now())) return;
      this.#timer ??= setTimeout(() => this.#tellRepeated(), windowMilliseconds).unref();
    }
    print(stream, from, text);
  }

  #tellRepeated(all = false): void {
    this.#timer = undefined;
    for (const stream of [1, 2] as const) {
      const repeated = this.#repeated[stream];
      for (const { line, from, count } of repeated.due(performance.now(), all)) {
        print(stream, from, count === 1 ? line : `${line} [repeated ${count}x across workers]`);
      }
      if (!repeated.isEmpty) this.#timer ??= setTimeout(() => this.#tellRepeated(), windowMilliseconds).unref();
    }
  }
}

function print(stream: 1 | 2, from: string, line: string): void {
  const target = stream === 1 ? process.stdout : process.stderr;
  const isColoured = target.isTTY && process.env.NO_COLOR === undefined;
  target.write(isColoured ? `\x1b[36m${from}\x1b[0m ${line}\n` : `${from} ${line}\n`);
}
