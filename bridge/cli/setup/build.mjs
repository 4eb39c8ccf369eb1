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
      removeStale(root);
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

/** What was built from a source that is gone must neither run as a test nor be packed. */
function removeStale(root) {
  for (const [output, source] of [
    ["dist", "."],
    ["bridge/flight/dist", "bridge/flight/src"],
  ]) {
    const built = filesBelow(join(root, output), ["."], (name) => /\.(js|js\.map|d\.ts)$/.test(name));
    for (const name of built) {
      const made = join(source, name.replace(/\.(js|js\.map|d\.ts)$/, ".ts"));
      if (!existsSync(join(root, made))) rmSync(join(root, output, name));
    }
  }
}
