import { execFile, spawn } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { tableFromArrays } from "apache-arrow";
import { FlightClient } from "arrow-flight-node";
import test from "ava";
import { compile, programsIn } from "../docs/programs.js";

const folder = "out/readme-test";
const readme = await readFile("README.md", "utf8");

test("the README's first program runs as it is printed", async (t) => {
  const program = programsIn(readme)[0]!.text;
  t.true(program.split("\n").filter((line) => line.trim() !== "").length <= 10, "it is a program of ten lines");
  await mkdir(folder, { recursive: true });
  t.teardown(() => rm(folder, { recursive: true }));
  await writeFile(`${folder}/program.ts`, program.replace("port: 8815", "port: 0"));
  t.is(await compile([`${folder}/program.ts`]), "");

  const child = spawn(process.execPath, [`${folder}/program.js`], { stdio: ["ignore", "pipe", "inherit"] });
  t.teardown(() => child.kill("SIGKILL"));
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const uri = /grpc\S+$/.exec((await lines.next()).value as string)![0];
  const client = new FlightClient(uri);
  await client.write({ type: "path", path: ["numbers"] }, tableFromArrays({ x: Float64Array.of(1, 2, 3.5) }));
  await client.close();
  t.is((await lines.next()).value, "[ 6.5 ]");
  t.is(await ended, 0);
});

test("the README leaves nothing to be filled in, and its links lead somewhere", async (t) => {
  t.notRegex(readme, /TODO/);
  const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, path]) => path!);
  t.true(links.length > 0);
  for (const path of links) await t.notThrowsAsync(promisify(execFile)("ls", [path]), path);
});
