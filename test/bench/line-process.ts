import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** A child process that is spoken to in lines; its errors go to our standard error. */
export interface LineProcess {
  readonly pid: number;
  /** The next line that it prints. Rejects when it ends instead. */
  read(): Promise<string>;
  write(line: string): void;
  /** Closes its input, sends SIGTERM, and resolves once it has ended. */
  end(): Promise<void>;
}

/** Starts a program; whoever starts it ends it. */
export function startProcess(program: string, args: readonly string[]): LineProcess {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  return {
    pid: child.pid ?? -1,
    async read() {
      const next = await lines.next();
      if (next.done) throw new Error(`${program} ${args.join(" ")} ended before it answered.`);
      return next.value;
    },
    write(line) {
      child.stdin.write(`${line}\n`);
    },
    async end() {
      child.stdin.end();
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** The processes of a room, ended in reverse order. */
export class Processes implements AsyncDisposable {
  readonly #running: LineProcess[] = [];

  start(program: string, args: readonly string[]): LineProcess {
    const started = startProcess(program, args);
    this.#running.push(started);
    return started;
  }

  /** Starts a server, whose first line ends with its URI. */
  async serve(program: string, args: readonly string[]): Promise<{ uri: string; process: LineProcess }> {
    const process = this.start(program, args);
    const uri = /\S+$/.exec(await process.read())?.[0];
    if (uri === undefined) throw new Error(`${program} ${args.join(" ")} told no URI.`);
    return { uri, process };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#running.reverse()) await process.end();
  }
}
