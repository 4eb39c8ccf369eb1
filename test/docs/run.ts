// npm run docs: writes what is made from the code in arrow-flight-node's pages: the API reference, and the defaults in the page on
// limits. With --check it only says whether they are as the code is.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { docsFolder, formatApi } from "./api.js";

mkdirSync(join(docsFolder, "api"), { recursive: true });
const files = formatApi();
const old = readdirSync(join(docsFolder, "api")).map((name) => `api/${name}`);
const gone = old.filter((name) => !files.has(name));
const before = (name: string) =>
  old.includes(name) || !name.includes("/") ? readFileSync(join(docsFolder, name), "utf8") : "";
const changed = [...files].filter(([name, text]) => text !== before(name)).map(([name]) => name);
if (!process.argv.includes("--check")) {
  for (const name of gone) rmSync(join(docsFolder, name));
  for (const name of changed) writeFileSync(join(docsFolder, name), files.get(name)!);
  console.log(
    changed.length + gone.length === 0
      ? "All pages are as they were."
      : `Written: ${[...changed, ...gone].join(", ")}.`,
  );
} else if (changed.length + gone.length > 0) {
  console.error(`Not as the code is: ${[...changed, ...gone].join(", ")} in ${docsFolder}. Run npm run docs.`);
  process.exitCode = 1;
}
