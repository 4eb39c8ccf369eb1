import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";

/** A program that a page shows. */
export interface Program {
  readonly text: string;
  /** The line of the page before its first. */
  readonly line: number;
}

/** The TypeScript programs of a page, in their order. */
export function programsIn(page: string): Program[] {
  return [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(({ index, 1: text }) => ({
    text: text!,
    line: page.slice(0, index).split("\n").length,
  }));
}

/** Compiles files as strictly as their readers may; returns what the compiler says, which is nothing when they fit. */
export async function compile(files: readonly string[], flags: readonly string[] = [], home = "."): Promise<string> {
  const compiler = resolve("node_modules/typescript/bin/tsc");
  const strict = ["--strict", "--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes"];
  const options = ["--module", "nodenext", "--target", "es2022", "--types", "node", "--skipLibCheck", "--ignoreConfig"];
  const args = [compiler, ...strict, ...options, ...flags, ...files];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: home }).catch(
    (error: { stdout: string }) => error,
  );
  return stdout;
}
