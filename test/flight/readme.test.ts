import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import test from "ava";

const run = promisify(execFile);
const folder = "out/flight-readme-test";
const readme = await readFile("bridge/flight/README.md", "utf8");
const blocks = [...readme.matchAll(/```(js|ts|python)\n([\s\S]*?)```/g)].map(([, language, text]) => ({
  language: language!,
  text: text!,
}));

/** What a reader would have to type, besides imports and closing brackets. */
function linesOf(program: string): number {
  return program.split("\n").filter((line) => !/^\s*([\])}]*[;,]?|import .*|)$/.test(line)).length;
}

/** Starts a program of the README. */
async function start(
  name: string,
  text: string,
): Promise<ChildProcess & { stdout: NonNullable<ChildProcess["stdout"]> }> {
  await writeFile(`${folder}/${name}`, text);
  return spawn(process.execPath, [`${folder}/${name}`], { stdio: ["ignore", "pipe", "inherit"] });
}

test("the programs of the README run as they are printed: server and client of ten lines, Python, and types", async (t) => {
  await mkdir(folder, { recursive: true });
  t.teardown(() => rm(folder, { recursive: true }));
  t.deepEqual(
    blocks.map(({ language }) => language),
    ["js", "js", "python", "ts"],
  );
  const [server, client, python, typed] = blocks.map(({ text }) => text) as [string, string, string, string];
  t.true(linesOf(server) <= 10, `the server has ${linesOf(server)} lines`);
  t.true(linesOf(client) <= 10, `the client has ${linesOf(client)} lines`);

  const serving = await start("server.js", server.replace("8815", "0"));
  t.teardown(() => serving.kill());
  const [uri] = (await createInterface(serving.stdout)[Symbol.asyncIterator]().next()).value.split("\n");
  const here = (text: string) => text.replaceAll("grpc://127.0.0.1:8815", uri);

  await writeFile(`${folder}/client.js`, here(client));
  t.is((await run(process.execPath, [`${folder}/client.js`])).stdout, "Float64Array(3) [ 0.4, 0.3, 0.5 ]\n");
  const seen = (await run(".venv/bin/python", ["-c", here(python)])).stdout;
  t.regex(seen, /hour: int32.*load: \[\[0\.4,0\.3,0\.5\]\]/s);

  await writeFile(`${folder}/typed.ts`, here(typed));
  const options = ["--module", "nodenext", "--target", "es2022", "--lib", "es2023,esnext.disposable", "--strict"];
  const compiler = [
    "node_modules/typescript/bin/tsc",
    ...options,
    "--types",
    "node",
    "--skipLibCheck",
    "--ignoreConfig",
  ];
  await run(process.execPath, [...compiler, `${folder}/typed.ts`]);
  const lines = (await run(process.execPath, [`${folder}/typed.js`])).stdout.split("\n");
  t.deepEqual(lines.slice(0, 3), ["3 0.4", "3 0.3", "3 0.5"]);
  const told = /`(INVALID_ARGUMENT [^`]*)`/.exec(readme)![1]!.replaceAll("\n", " ");
  t.is(lines[3], told);
});
