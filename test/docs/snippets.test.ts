import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import test from "ava";

const docs = "bridge/flight/docs";
const folder = "out/flight-snippets";

test("every program of the package's pages is what the compiler takes", async (t) => {
  await mkdir(folder, { recursive: true });
  t.teardown(() => rm(folder, { recursive: true }));
  const names: string[] = [];
  for (const page of (await readdir(docs)).filter((name) => name.endsWith(".md"))) {
    const text = await readFile(`${docs}/${page}`, "utf8");
    for (const { index, 1: program } of text.matchAll(/```ts\n([\s\S]*?)```/g)) {
      const line = text.slice(0, index).split("\n").length;
      names.push(`${folder}/${page.replace(".md", "")}-line-${line}.ts`);
      await writeFile(names.at(-1)!, program!);
    }
  }
  t.true(names.length >= 12);
  const strict = ["--strict", "--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes", "--noEmit"];
  const options = ["--module", "nodenext", "--target", "es2022", "--types", "node", "--skipLibCheck", "--ignoreConfig"];
  const compiler = ["node_modules/typescript/bin/tsc", ...strict, ...options, ...names];
  const told = await promisify(execFile)(process.execPath, compiler).catch((error: { stdout: string }) => error);
  t.is(told.stdout, "");
});
