import { Worker } from "node:worker_threads";
import type { Input } from "./damage.js";
import type { Answer } from "./room.js";

/** Bytes that take more of the processor than this are a finding, on however busy a machine. */
const limitMs = 5_000;
/** So is no answer at all for this long. */
const silenceMs = 60_000;

type Said = { answer: Answer } | { crash: string };

/** Asks this package in a thread of its own, which is given up and replaced when it hangs, runs out of memory or ends. */
export class Judge implements AsyncDisposable {
  #worker: Worker | undefined;
  slowestMs = 0;

  /** The answer, or in words what is wrong: a crash, a hang. */
  async ask(room: string, input: Input): Promise<Answer | string> {
    this.#worker ??= new Worker(new URL("./judge-worker.js", import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: 1024 },
    });
    const worker = this.#worker;
    const started = performance.now();
    const said = await new Promise<Said | undefined>((resolve) => {
      const before = process.cpuUsage();
      const timer = setInterval(() => {
        const { user, system } = process.cpuUsage(before);
        if ((user + system) / 1000 > limitMs || performance.now() - started > silenceMs) settle(undefined);
      }, 500);
      const onError = (error: Error) => settle({ crash: `the thread ended: ${error.stack}` });
      const onExit = (code: number) => settle({ crash: `the thread ended with ${code}` });
      const settle = (message: Said | undefined) => {
        clearInterval(timer);
        worker.off("message", settle).off("error", onError).off("exit", onExit);
        resolve(message);
      };
      worker.on("message", settle).on("error", onError).on("exit", onExit);
      worker.postMessage({ room, input });
    });
    this.slowestMs = Math.max(this.slowestMs, performance.now() - started);
    if (said !== undefined && "answer" in said) return said.answer;
    this.#worker = undefined;
    await worker.terminate();
    return said === undefined ? `hang: no answer after ${limitMs} ms of work` : `crash: ${said.crash}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker?.terminate();
  }
}
