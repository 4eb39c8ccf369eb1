import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import test from "ava";
import { compile, programsIn } from "./programs.js";

const docs = "bridge/flight/docs";
const folder = "out/flight-snippets";

test("every program of the package's pages is what the compiler takes", async (t) => {
  await mkdir(folder, { recursive: true });
  t.teardown(() => rm(folder, { recursive: true }));
  const names: string[] = [];
  for (const page of (await readdir(docs)).filter((name) => name.endsWith(".md"))) {
    const text = await readFile(`${docs}/${page}`, "utf8");
    for (const program of programsIn(text)) {
      names.push(`${folder}/${page.replace(".md", "")}-line-${program.line}.ts`);
      await writeFile(names.at(-1)!, program.text);
    }
  }
  t.true(names.length >= 12);
  t.is(await compile(names, ["--noEmit"]), "");
});
