import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import type { Witness } from "./room.js";

/** pyarrow, asked by witness.py. It may crash on what it is given: it is started again, and the crash counted. */
export class Foreign implements AsyncDisposable {
  crashes = 0;
  #child: ChildProcessWithoutNullStreams | undefined;
  #waiting: ((line: string | undefined) => void) | undefined;

  /** What pyarrow makes of the bytes; undefined when it crashed on them. */
  async ask(kind: string, bytes: Uint8Array): Promise<Witness | undefined> {
    this.#child ??= this.#start();
    const child = this.#child;
    const answer = new Promise<string | undefined>((resolve) => {
      this.#waiting = resolve;
    });
    child.stdin.write(`${kind}\n${bytes.length}\n`);
    child.stdin.write(bytes);
    const line = await answer;
    if (line !== undefined) return JSON.parse(line) as Witness;
    this.crashes += 1;
    return undefined;
  }

  #start(): ChildProcessWithoutNullStreams {
    const child = spawn(path.resolve(".venv/bin/python"), ["test/fuzz/witness.py"]);
    child.stdin.on("error", () => undefined);
    child.stderr.resume();
    createInterface(child.stdout).on("line", (line) => this.#waiting?.(line));
    child.once("close", () => {
      if (this.#child === child) this.#child = undefined;
      this.#waiting?.(undefined);
    });
    return child;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    child.stdin.end();
    await once(child, "close");
  }
}
