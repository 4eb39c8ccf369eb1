// npm run docs: writes what is made from the code in the packages' pages: the API references, and the defaults in the page on
// limits. With --check it only says whether they are as the code is.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { formatApi } from "./api.js";
import { books } from "./pages.js";

const stale: string[] = [];
for (const book of books) {
  const { folder } = book;
  mkdirSync(join(folder, "api"), { recursive: true });
  const files = formatApi(book);
  const old = readdirSync(join(folder, "api")).map((name) => `api/${name}`);
  const gone = old.filter((name) => !files.has(name));
  const before = (name: string) =>
    old.includes(name) || !name.includes("/") ? readFileSync(join(folder, name), "utf8") : "";
  const changed = [...files].filter(([name, text]) => text !== before(name)).map(([name]) => name);
  stale.push(...[...changed, ...gone].map((name) => join(folder, name)));
  if (process.argv.includes("--check")) continue;
  for (const name of gone) rmSync(join(folder, name));
  for (const name of changed) writeFileSync(join(folder, name), files.get(name)!);
}
if (!process.argv.includes("--check")) {
  console.log(stale.length === 0 ? "All pages are as they were." : `Written: ${stale.join(", ")}.`);
} else if (stale.length > 0) {
  console.error(`Not as the code is: ${stale.join(", ")}. Run npm run docs.`);
  process.exitCode = 1;
}
