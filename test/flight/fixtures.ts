import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** What pyarrow wrote; make.py in this folder says how. */
export const fixtures = path.resolve("test/fixtures/flight");

export function readFixture(name: string): Uint8Array {
  return readFileSync(path.join(fixtures, name));
}

/** The names of the IPC streams, one per kind of column. `compressed` is apart: it has no rows as JSON. */
export function streamNames(): string[] {
  const names = readdirSync(path.join(fixtures, "ipc")).filter((name) => name.endsWith(".arrows"));
  return names.map((name) => name.replace(".arrows", "")).filter((name) => name !== "compressed");
}

/** A promise that others resolve. */
export function signalled<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((fulfil) => {
    resolve = fulfil;
  });
  return { promise, resolve };
}

export const utf8 = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
