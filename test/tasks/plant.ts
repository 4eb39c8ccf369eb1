import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { PlantedBug } from "./planted-bugs.js";
import type { WakingParts } from "./rings/waking.js";
import type { Parts } from "./simulator.js";
import type { StoringParts } from "./storing.js";

const source = fileURLToPath(new URL("../../src/", import.meta.url));
const entries = [
  "tasks/scheduler/scheduler",
  "tasks/host/object-table",
  "tasks/owner/submissions",
  "tasks/host/board-table",
  "tasks/rings/board",
  "tasks/rings/bell",
  "tasks/rings/permit",
  "error",
  "store/object-store",
  "tasks/host/lending",
  "tasks/host/lineage",
  "tasks/host/stored-values",
];

/** What the simulations play. */
export type PlantedParts = Parts & WakingParts & StoringParts;

/**
 * Loads a copy of the code with a bug in it: the built files of `src` that the simulations need, side by side in a folder
 * that is removed at once. Throws when the text that the bug replaces is not there exactly once.
 */
export async function plant({ name, file, find, replace }: PlantedBug): Promise<PlantedParts> {
  // Beside the tests, from where the packages are found that the files import.
  const folder = await mkdtemp(join(fileURLToPath(new URL(".", import.meta.url)), "planted-"));
  try {
    for (const [path, text] of await readAll()) {
      const isThis = path === `${file}.js`;
      if (isThis && text.split(find).length !== 2) {
        throw new Error(`"${name}": its text is ${text.split(find).length - 1} times in ${path}, not once.`);
      }
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), isThis ? text.replace(find, () => replace) : text);
    }
    const modules = await Promise.all(entries.map((entry) => import(pathToFileURL(join(folder, `${entry}.js`)).href)));
    return Object.assign({}, ...modules) as PlantedParts;
  } finally {
    await rm(folder, { recursive: true });
  }
}

let texts: Promise<Map<string, string>> | undefined;

/** The entries and all that they import from `src`, by path. */
function readAll(): Promise<Map<string, string>> {
  texts ??= (async () => {
    const found = new Map<string, string>();
    const paths = entries.map((entry) => `${entry}.js`);
    for (const path of paths) {
      if (found.has(path)) continue;
      const text = await readFile(join(source, path), "utf8");
      found.set(path, text);
      for (const [, target] of text.matchAll(/\bfrom "(\.[^"]+)"/g)) {
        paths.push(relative(source, join(source, dirname(path), target!)));
      }
    }
    return found;
  })();
  return texts;
}
