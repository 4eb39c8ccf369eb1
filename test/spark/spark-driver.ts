import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** A Spark session in a process of its own, which runs the functions of scenarios.py one after the other. */
export interface SparkDriver {
  /** Runs one and resolves with the facts it returns; rejects with Python's traceback when it crashes. */
  ask<T>(scenario: string, args?: Record<string, unknown>): Promise<T>;
  /** Stops Spark and resolves with the exit code once the process is gone. */
  end(): Promise<number | null>;
}

/** Starts Spark; resolves once its session is there. `mark` is put into the environment of every process it starts. */
export async function startSpark(mark: Record<string, string> = {}): Promise<SparkDriver> {
  const child = spawn(".venv/bin/python", ["test/spark/driver.py"], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...mark, PYTHONPATH: "test/spark" },
  });
  const closed = once(child, "close") as Promise<[number | null]>;
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log = (log + text).slice(-20_000);
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<Record<string, unknown>> => {
    const line = await lines.next();
    if (line.done) throw new Error(`The Spark driver has ended:\n${log}`);
    return JSON.parse(line.value);
  };
  await next();
  let turn: Promise<unknown> = Promise.resolve();
  return {
    ask<T>(scenario: string, args: Record<string, unknown> = {}) {
      const answer = turn.then(async () => {
        child.stdin.write(`${JSON.stringify({ scenario, arguments: args })}\n`);
        const { answer, crash } = await next();
        if (crash !== undefined) throw new Error(`${scenario}: ${crash}`);
        return answer as T;
      });
      turn = answer.catch(() => undefined);
      return answer;
    },
    async end() {
      child.stdin.end();
      const [code] = await closed;
      return code;
    },
  };
}
