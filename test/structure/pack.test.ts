import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import test from "ava";
import { compile, programsIn } from "../docs/programs.js";

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

/** Makes a project in `home` that has packed packages, and what they depend on, and nothing else of this one. */
async function install(home: string, packed: Readonly<Record<string, string>>): Promise<void> {
  const modules = join(home, "node_modules");
  const dependencies = new Set<string>(["typescript", "@types/node"]);
  for (const [name, tarball] of Object.entries(packed)) {
    await mkdir(join(modules, name), { recursive: true });
    await run("tar", ["-xzf", tarball, "-C", join(modules, name), "--strip-components=1"]);
    for (const dependency of Object.keys((await manifestOf(name as keyof typeof packages)).dependencies)) {
      if (packed[dependency] === undefined) dependencies.add(dependency);
    }
  }
  for (const name of dependencies) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(resolve("node_modules", name), join(modules, name));
  }
}

for (const name of ["rayflight", "arrow-flight-node"] as const) {
  test.serial(`npm pack of ${name} holds what its users need, and only that`, async (t) => {
    const paths = (await pack(name)).files.map(({ path }) => path);
    const needed =
      /^(package\.json|LICENSE|README\.md|src\/tasks\/README\.md|CHANGELOG\.md|(src\/)?docs\/.*\.md|dist\/.*\.(js|d\.ts|wasm)|bridge\/spark\/(pyproject\.toml|README\.md|src\/pyspark_rayflight\/.*(\.py|py\.typed)))$/;
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

test.serial(
  "arrow-flight-node alone: by import and by require, in JavaScript and in strict TypeScript, every entry with its types",
  async (t) => {
    const home = join(folder, "alone");
    const { filename, files } = await pack("arrow-flight-node");
    const paths = files.map(({ path }) => path);
    for (const page of ["README.md", "docs/api/README.md", "docs/recipes.md", "docs/limits-and-security.md"]) {
      t.true(paths.includes(page), page);
    }
    await install(home, { "arrow-flight-node": join(folder, filename) });
    const manifest = await manifestOf("arrow-flight-node");
    const entries = Object.keys(manifest.exports).filter((entry) => !entry.endsWith(".json"));
    const names = entries.map((entry) => entry.replace(".", "arrow-flight-node"));
    t.deepEqual(
      names,
      ["", "/grpc", "/ipc", "/protocol"].map((entry) => `arrow-flight-node${entry}`),
    );

    const serve = "const server = new flight.FlightServer({ listActions: () => [{ type: 'a', description: 'b' }] });";
    const ask = "for await (const { type } of client.listActions()) console.log(type);";
    const talk = `(async () => {
    ${serve} const client = new flight.FlightClient((await server.listen()).uri);
    ${ask} await client.close(); await server.close(); })();`;
    await writeFile(join(home, "by-import.mjs"), `import * as flight from "arrow-flight-node"; ${talk}`);
    await writeFile(join(home, "by-require.cjs"), `const flight = require("arrow-flight-node"); ${talk}`);
    for (const file of ["by-import.mjs", "by-require.cjs"]) {
      t.is((await run(process.execPath, ["--no-warnings", file], { cwd: home })).stdout, "a\n", file);
    }

    const program = names.map(
      (name, i) => `import * as entry${i} from "${name}"; export const kind${i}: object = entry${i};`,
    );
    const typed = `${program.join("\n")}
    import * as flight from "arrow-flight-node";
    import { Int32 } from "apache-arrow";
    export async function rows(client: flight.FlightClient): Promise<number> {
      const { batches } = await client.read(Buffer.from("t"), { expect: flight.schemaOf({ n: new Int32() }) });
      let sum = 0;
      for await (const batch of batches) for (const { n } of batch) sum += n satisfies number;
      return sum;
    }
    ${talk}`;
    for (const file of ["esm.mts", "commonjs.cts"]) await writeFile(join(home, file), typed);
    t.is(await compile(["esm.mts", "commonjs.cts"], ["--skipLibCheck", "false", "--noEmit"], home), "");
  },
);

test.serial("the packed packages work where nothing else of the project is", async (t) => {
  const packed: Record<string, string> = {};
  for (const name of ["rayflight", "arrow-flight-node"] as const)
    packed[name] = join(folder, (await pack(name)).filename);
  await install(folder, packed);
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
  t.is(await compile(["program.ts"], [], folder), "");
  const { stdout } = await run(process.execPath, ["program.js"], { cwd: folder });
  const told = JSON.parse(stdout) as { result: number; flights: number; kinds: string[] };
  t.is(told.result, 49);
  t.deepEqual(told.kinds, ["function", "function", "object", "object"]);
  const shown = async (page: string, index: number) => programsIn(await readFile(page, "utf8"))[index]!.text;
  await writeFile(join(folder, "readme.ts"), await shown("README.md", 1));
  await writeFile(join(folder, "guide.ts"), await shown("src/tasks/README.md", 0));
  t.is(await compile(["readme.ts", "guide.ts"], [], folder), "");
  t.is((await run(process.execPath, ["readme.js"], { cwd: folder })).stdout, "6\n[ 1, 2 ]\n");
  t.is((await run(process.execPath, ["guide.js"], { cwd: folder })).stdout, "9592\n");
  const bin = join(folder, "node_modules/rayflight/dist/bridge/cli/main.js");
  t.regex((await run(process.execPath, [bin, "--version"])).stdout, /^\d+\.\d+\.\d+\n$/);
});
