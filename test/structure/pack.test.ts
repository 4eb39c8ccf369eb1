import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import test from "ava";

const run = promisify(execFile);

interface Packed {
  readonly name: string;
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

interface Manifest {
  readonly engines: { readonly node: string };
  readonly exports: Readonly<Record<string, { types: string; default: string } | string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
}

const packages = { rayflight: ".", "arrow-flight-node": "bridge/flight" } as const;
const folder = await mkdtemp(join(tmpdir(), "rayflight-pack-"));
test.after.always(() => rm(folder, { recursive: true }));

async function pack(name: keyof typeof packages): Promise<Packed> {
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", folder, resolve(packages[name])]);
  const answer = JSON.parse(stdout) as Packed[] | Record<string, Packed>;
  return Object.values(answer)[0]!;
}

async function manifestOf(name: keyof typeof packages): Promise<Manifest> {
  return JSON.parse(await readFile(join(packages[name], "package.json"), "utf8")) as Manifest;
}

for (const name of ["rayflight", "arrow-flight-node"] as const) {
  test.serial(`npm pack of ${name} holds what its users need, and only that`, async (t) => {
    const paths = (await pack(name)).files.map(({ path }) => path);
    const needed =
      /^(package\.json|LICENSE|README\.md|CHANGELOG\.md|docs\/.*\.md|dist\/.*\.(js|d\.ts|wasm)|bridge\/spark\/(pyproject\.toml|README\.md|src\/pyspark_rayflight\/.*(\.py|py\.typed)))$/;
    t.deepEqual(
      paths.filter((path) => !needed.test(path)),
      [],
    );
    t.deepEqual(
      paths.filter((path) => /\.test\.|\/(test|pipelines)\//.test(path)),
      [],
    );
    for (const path of ["package.json", "LICENSE", "README.md"]) t.true(paths.includes(path), path);

    const manifest = await manifestOf(name);
    t.is(manifest.engines.node, ">=20.19");
    for (const [entry, target] of Object.entries(manifest.exports)) {
      for (const file of typeof target === "string" ? [target] : [target.types, target.default]) {
        t.true(paths.includes(file.replace("./", "")), `${entry} → ${file}`);
      }
    }
    for (const file of Object.values(manifest.bin ?? {})) t.true(paths.includes(file), file);

    const sources = name === "rayflight" ? "" : "bridge/flight/src/";
    const stale = paths
      .filter((path) => /\.js$/.test(path))
      .filter((path) => !existsSync(sources + path.replace(/^dist\//, "").replace(/\.js$/, ".ts")));
    t.deepEqual(stale, [], "nothing of the build is left from a source that is gone");
  });
}

test.serial("the packed packages work where nothing else of the project is", async (t) => {
  const modules = join(folder, "node_modules");
  const dependencies = new Set<string>(["typescript", "@types/node"]);
  for (const name of Object.keys(packages) as (keyof typeof packages)[]) {
    const { filename } = await pack(name);
    await mkdir(join(modules, name), { recursive: true });
    await run("tar", ["-xzf", join(folder, filename), "-C", join(modules, name), "--strip-components=1"]);
    for (const dependency of Object.keys((await manifestOf(name)).dependencies)) dependencies.add(dependency);
  }
  for (const name of dependencies) {
    if (name in packages) continue;
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(resolve("node_modules", name), join(modules, name));
  }
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  await writeFile(
    join(folder, "program.ts"),
    `import { FlightClient, FlightServer } from "arrow-flight-node";
     import { encapsulate } from "arrow-flight-node/ipc";
     import * as ray from "rayflight";
     import * as rl from "rayflight/rl";
     import * as tensor from "rayflight/tensor";
     const square = ray.remote((x: number): number => x * x);
     const node = await ray.init({ numCpus: 1 });
     const result: number = await ray.get(square.remote(7));
     const client = new FlightClient(node.uri);
     let flights = 0;
     for await (const _ of client.listFlights()) flights += 1;
     await client.close();
     await node.close();
     const kinds = [typeof FlightServer, typeof encapsulate, typeof rl, typeof tensor];
     console.log(JSON.stringify({ result, flights, kinds }));
    `,
  );
  const compiler = resolve("node_modules/typescript/bin/tsc");
  const options = ["--module", "nodenext", "--target", "es2022", "--strict", "--types", "node", "--skipLibCheck"];
  await t.notThrowsAsync(run(process.execPath, [compiler, ...options, "program.ts"], { cwd: folder }));
  const { stdout } = await run(process.execPath, ["program.js"], { cwd: folder });
  const told = JSON.parse(stdout) as { result: number; flights: number; kinds: string[] };
  t.is(told.result, 49);
  t.deepEqual(told.kinds, ["function", "function", "object", "object"]);
  const bin = join(modules, "rayflight/dist/bridge/cli/main.js");
  t.regex((await run(process.execPath, [bin, "--version"])).stdout, /^\d+\.\d+\.\d+\n$/);
});
