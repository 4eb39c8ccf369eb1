import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "ava";
import { apiFolder, formatApi, readApi } from "./api.js";

const docs = dirname(apiFolder);
const contents = [...readApi().values()].flat();

test("the API reference is as the code is", (t) => {
  const files = formatApi();
  t.deepEqual(readdirSync(apiFolder).sort(), [...files.keys()].sort());
  for (const [name, text] of files) {
    t.true(readFileSync(join(apiFolder, name), "utf8") === text, `${name} is stale: run npm run docs`);
  }
});

test("everything that is exported says what its rule is", (t) => {
  const silent = contents.flatMap(({ name, kind, comment, members }) => {
    // What an option means must be written down; the fields of messages are often explained by their names.
    const strict = kind === "class" || name.endsWith("Options") || name.endsWith("Handlers");
    const without = strict ? members.filter((member) => member.comment === "") : [];
    return [...(comment === "" ? [name] : []), ...without.map((member) => `${name}.${member.name}`)];
  });
  t.deepEqual(silent, []);
  t.true(contents.length > 60);
});

test("the links of the package's pages lead somewhere", (t) => {
  const pages = readdirSync(docs, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".md"));
  for (const page of ["../README.md", ...pages]) {
    const path = join(docs, page);
    const text = readFileSync(path, "utf8");
    for (const [, target, anchor] of text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)) {
      const file = target === "" ? path : join(dirname(path), target!);
      t.true(existsSync(file), `${page} → ${target}`);
      if (anchor === undefined || !existsSync(file)) continue;
      t.true(anchorsOf(readFileSync(file, "utf8")).has(anchor), `${page} → ${target}#${anchor}`);
    }
  }
});

/** What GitHub names the headings of a page. */
function anchorsOf(text: string): Set<string> {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) => title!);
  return new Set(
    headings.map((title) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .replace(/\s/g, "-"),
    ),
  );
}
