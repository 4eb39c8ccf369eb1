import { type ChildProcess, spawn } from "node:child_process";
import { setPriority } from "node:os";
import { createInterface } from "node:readline";

/** What a program printed, its outputs together, and how it ended. */
export interface Ended {
  code: number | null;
  output: string;
}

/** Runs a program to its end, or kills it after `timeoutMs`: then its code is null. It yields the processor to others. */
export async function runProgram(
  program: string,
  args: readonly string[],
  options: { timeoutMs?: number; env?: Record<string, string>; cwd?: string } = {},
): Promise<Ended> {
  const { timeoutMs = 60_000, env, cwd } = options;
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    timeout: timeoutMs,
    killSignal: "SIGKILL",
  });
  const output = collect(child);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
    beNice(child);
  });
  return { code, output: output() };
}

/** A server in a process of its own. */
export interface ServerProcess {
  port: number;
  output(): string;
  stop(): Promise<void>;
}

/** Starts a program that prints the port it listens on, within a minute, alone on a line or after a colon. */
export async function startServer(program: string, args: readonly string[]): Promise<ServerProcess> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  const output = collect(child);
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const stop = async () => {
    child.stdin.end();
    child.kill("SIGKILL");
    await ended;
  };
  const tooLate = setTimeout(() => child.kill("SIGKILL"), 60_000);
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /(?:^|:)(\d+)\s*$/.exec(line)?.[1];
    if (port === undefined) continue;
    clearTimeout(tooLate);
    // Leaving this loop pauses the stream; what it prints later is kept, too.
    setImmediate(() => child.stdout.resume());
    return { port: Number(port), output, stop };
  }
  clearTimeout(tooLate);
  await ended;
  throw new Error(`${program} ${args.join(" ")} ended before it listened:\n${output()}`);
}

/** The last lines of a program's output: where a panic says what it is about. */
export function tail(output: string, lines = 12): string {
  return output.trimEnd().split("\n").slice(-lines).join("\n");
}

function collect(child: ChildProcess): () => string {
  const pieces: Buffer[] = [];
  child.stdout?.on("data", (chunk: Buffer) => pieces.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => pieces.push(chunk));
  return () => Buffer.concat(pieces).toString();
}

function beNice(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) setPriority(child.pid, 10);
  } catch {
    // It has ended, or the system does not let us: it runs all the same.
  }
}
