import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import * as arrow from "apache-arrow";
import test from "ava";
import { formatApi, readApi } from "./api.js";
import { defaultsIn, fallbacksIn, quantityOf } from "./defaults.js";
import { books, engine, flight } from "./pages.js";

const docsFolder = flight.folder;
const contents = [...readApi(flight).values()].flat();
const engineContents = [...readApi(engine).values()].flat();

for (const book of books) {
  test(`the API reference in ${book.folder} is as the code is`, (t) => {
    const files = formatApi(book);
    const pages = readdirSync(join(book.folder, "api")).map((name) => `api/${name}`);
    t.deepEqual(pages.sort(), [...files.keys()].filter((name) => name.startsWith("api/")).sort());
    for (const [name, text] of files) {
      t.true(readFileSync(join(book.folder, name), "utf8") === text, `${name} is stale: run npm run docs`);
    }
  });
}

test("everything that is exported says what its rule is", (t) => {
  const silent = [...contents, ...engineContents].flatMap(({ name, kind, comment, members }) => {
    // What an option means must be written down; the fields of messages are often explained by their names.
    const strict = kind === "class" || name.endsWith("Options") || name.endsWith("Handlers");
    const without = strict ? members.filter((member) => member.comment === "") : [];
    return [...(comment === "" ? [name] : []), ...without.map((member) => `${name}.${member.name}`)];
  });
  t.deepEqual(silent, []);
  t.true(contents.length > 60);
  t.true(engineContents.length > 40);
});

test("a type of the package that a signature names is exported, too", (t) => {
  const files = readdirSync("bridge/flight/dist", { recursive: true, encoding: "utf8" });
  const declared = files
    .filter((name) => name.endsWith(".d.ts"))
    .flatMap((name) => [
      ...readFileSync(`bridge/flight/dist/${name}`, "utf8").matchAll(
        /^export (?:declare )?(?:class|interface|type) (\w+)/gm,
      ),
    ])
    .map(([, name]) => name!);
  const unknown = new Set(declared);
  for (const name of [...contents.map(({ name }) => name), ...Object.keys(arrow)]) unknown.delete(name);
  // Routes are what implementService makes and FlightServer takes: nobody else looks at them.
  unknown.delete("GrpcHandler");
  for (const { name, signatures, members, heritage } of contents) {
    const all = [...signatures, ...members.flatMap((member) => member.signatures)];
    const text = all.flatMap(({ before, parameters = [], after }) => [before, ...parameters, after]).join(" ");
    const named = `${heritage} ${text}`.match(/\b[A-Z]\w+\b/g) ?? [];
    t.deepEqual(
      [...new Set(named)].filter((one) => unknown.has(one)),
      [],
      name,
    );
  }
});

test("the defaults that the comments tell are those of the code, and none is missing", async (t) => {
  const settings = await import(pathToFileURL(resolve("bridge/flight/dist/transport/settings.js")).href);
  const told = defaultsIn(contents);
  t.true(told.length > 20);
  for (const source of new Set(told.map(({ owner }) => owner.source))) {
    const own = told.filter(({ owner }) => owner.source === source);
    const fallbacks = fallbacksIn(`bridge/flight/src/${source}.ts`, settings);
    for (const { option, written } of own)
      t.is(fallbacks.get(option.name), quantityOf(written), `${source}: ${option.name}`);
    const options = contents.filter((one) => one.source === source && one.name.endsWith("Options"));
    for (const { name } of options.flatMap(({ members }) => members)) {
      if (fallbacks.get(name))
        t.true(
          own.some(({ option }) => option.name === name),
          `${source}: ${name} tells no default`,
        );
    }
  }
});

test("the links of the package's pages lead somewhere", (t) => {
  const pages = readdirSync(docsFolder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".md"));
  for (const page of ["../README.md", ...pages]) {
    const path = join(docsFolder, page);
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
