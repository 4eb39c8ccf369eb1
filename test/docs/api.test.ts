import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import * as arrow from "apache-arrow";
import test from "ava";
import { formatApi, readApi } from "./api.js";
import { defaultsIn, fallbacksIn, quantityOf } from "./defaults.js";
import { type Book, books, engine, flight } from "./pages.js";

const contentsOf = (book: Book) => [...readApi(book).values()].flat();
const [contents, engineContents] = [contentsOf(flight), contentsOf(engine)];

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

for (const book of books) {
  const { folder, types, notExported } = book;
  test(`a type that a signature in ${folder} names is exported, too`, (t) => {
    const own = contentsOf(book);
    const files = readdirSync(types, { recursive: true, encoding: "utf8" });
    const declared = files
      .filter((name) => name.endsWith(".d.ts") && !/^(test|pipelines)\//.test(name))
      .flatMap((name) => [
        ...readFileSync(join(types, name), "utf8").matchAll(/^export (?:declare )?(?:class|interface|type) (\w+)/gm),
      ])
      .map(([, name]) => name!);
    const unknown = new Set(declared);
    for (const name of [...own.map(({ name }) => name), ...Object.keys(arrow), ...notExported]) unknown.delete(name);
    for (const { name, signatures, members, heritage } of own) {
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
}

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

for (const { folder, start } of books) {
  test(`the links in ${folder} and in ${start} lead somewhere`, (t) => {
    const pages = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".md"));
    for (const page of [start, ...pages]) {
      const path = join(folder, page);
      const text = readFileSync(path, "utf8");
      for (const [, target, anchor] of text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)) {
        const file = target === "" ? path : join(dirname(path), target!);
        t.true(existsSync(file), `${page} → ${target}`);
        if (anchor === undefined || !existsSync(file)) continue;
        t.true(anchorsOf(readFileSync(file, "utf8")).has(anchor), `${page} → ${target}#${anchor}`);
      }
    }
  });
}

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
