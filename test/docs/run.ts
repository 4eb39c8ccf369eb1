// npm run docs: writes the API reference of arrow-flight-node. With --check it only says whether it is as the code is.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { apiFolder, formatApi } from "./api.js";

mkdirSync(apiFolder, { recursive: true });
const files = formatApi();
const written = new Map(readdirSync(apiFolder).map((name) => [name, readFileSync(join(apiFolder, name), "utf8")]));
const stale = [...new Set([...files.keys(), ...written.keys()])].filter(
  (name) => files.get(name) !== written.get(name),
);
if (!process.argv.includes("--check")) {
  for (const name of written.keys()) if (!files.has(name)) rmSync(join(apiFolder, name));
  for (const [name, text] of files) writeFileSync(join(apiFolder, name), text);
  console.log(stale.length === 0 ? "The API reference is as it was." : `Written: ${stale.join(", ")}.`);
} else if (stale.length > 0) {
  console.error(`Not as the code is: ${stale.join(", ")} in ${apiFolder}. Run npm run docs.`);
  process.exitCode = 1;
}
