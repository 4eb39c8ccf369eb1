import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { npm } from "./node-modules.mjs";
import { filesBelow, hashFiles, isStamped, stamp } from "./stamp.mjs";

const settings = [
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "bridge/flight/package.json",
  "bridge/flight/tsconfig.json",
];
const outputs = ["dist/tsconfig.tsbuildinfo", "bridge/flight/dist/index.js"];

/** The compiled TypeScript and WASM: built again when a source has changed. */
export function build(root) {
  const path = join(root, ".cache/setup/build");
  const inputs = () => hashFiles(root, [...settings, ...sources(root)]);
  return {
    name: "build",
    isDone: () => outputs.every((name) => existsSync(join(root, name))) && isStamped(path, inputs()),
    async run() {
      const building = inputs();
      removeStaleTests(root);
      await npm(root, ["run", "-s", "build"], "Building");
      stamp(path, building);
    },
  };
}

function sources(root) {
  return filesBelow(root, ["src", "bridge", "pipelines", "test"], (name) =>
    /\.(ts|mts|cts)$|asconfig\.json$/.test(name),
  );
}

/** A test whose source is gone must not run on. */
function removeStaleTests(root) {
  const kept = new Set(sources(root));
  for (const folder of ["dist/test"]) {
    for (const name of filesBelow(root, [folder], (file) => file.endsWith(".test.js"))) {
      if (!kept.has(name.replace(/^dist\//, "").replace(/\.js$/, ".ts"))) rmSync(join(root, name));
    }
  }
}
