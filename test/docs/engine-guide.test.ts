import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { promisify } from "node:util";
import test from "ava";
import { errorCodes } from "../../src/error.js";
import { compile, programsIn } from "./programs.js";

const run = promisify(execFile);
const guide = await readFile("src/tasks/README.md", "utf8");
const folder = "out/engine-guide";
const settings = "{ numCpus: 2, numGpus: 4, resources: { licence: 2 } }";

/** The guide's programs: one for each of its sections. The first is whole, the others have the frame that they leave out. */
const programs = guide
  .split(/^## /m)
  .map((section) =>
    programsIn(section)
      .map(({ text }) => text)
      .join("\n"),
  )
  .filter((text) => text !== "")
  .map((text) =>
    text.includes('from "rayflight"')
      ? text
      : `import * as ray from "rayflight";\nawait ray.init(${settings});\n${text}\nawait ray.shutdown();\n`,
  );

test("the guide's examples compile, and print what it says", async (t) => {
  await mkdir(folder, { recursive: true });
  t.teardown(() => rm(folder, { recursive: true }));
  t.true(programs.length >= 8);
  const names = programs.map((_, i) => `${folder}/section-${i + 1}.ts`);
  for (const [i, text] of programs.entries()) await writeFile(names[i]!, text);
  t.is(await compile(names, ["--lib", "es2023,esnext.disposable"]), "");
  for (const [i, text] of programs.entries()) {
    const { stdout } = await run(process.execPath, [basename(names[i]!).replace(/ts$/, "js")], { cwd: folder });
    const printed = [...text.matchAll(/\/\/ → (.*)$/gm)].map(([, line]) => line);
    t.deepEqual(stdout.trim().split("\n"), printed, names[i]);
  }
});

test("the guide says of every error code what to do", (t) => {
  const table = guide.slice(guide.indexOf("## Troubleshooting"));
  t.deepEqual(
    errorCodes.filter((code) => !table.includes(`\`${code}\``)),
    [],
  );
});

test("the guide's tables have every option", async (t) => {
  const source = await readFile("src/tasks/options.ts", "utf8");
  const table = guide.slice(guide.indexOf("## All options"), guide.indexOf("## The rules"));
  for (const [, name, body] of source.matchAll(/^export interface (\w+Options)\S* \{\n([\s\S]*?)^\}/gm)) {
    if (name!.startsWith("Filled")) continue;
    for (const [, option] of body!.matchAll(/^ {2}(\w+)\?:/gm))
      t.true(table.includes(`\`${option}\``), `${name}.${option}`);
  }
});
