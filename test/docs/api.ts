import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Declaration, readEntry } from "./declarations.js";
import { formatDefaults } from "./defaults.js";
import { formatContents, formatPage, placesOf } from "./format-page.js";
import type { Book, Page } from "./pages.js";

/** What each page of an API reference is about. Throws for an export that no page has. */
export function readApi({ types, entries, pages }: Book): Map<Page, Declaration[]> {
  const contents = new Map<Page, Declaration[]>();
  for (const [entry, file] of Object.entries(entries)) {
    const left = new Set(readEntry(join(types, file), types));
    for (const page of pages.filter((one) => one.entry === entry)) {
      const order = page.sources ?? [...new Set([...left].map(({ source }) => source))];
      const own = order.flatMap((source) => [...left].filter((declaration) => declaration.source === source));
      for (const declaration of own) left.delete(declaration);
      contents.set(page, sortByKind(own, order));
    }
    const names = [...left].map(({ name, source }) => `${name} of ${source}`);
    if (names.length > 0) throw new Error(`No page of test/docs/pages.ts has ${names.join(", ")}: add it to one.`);
  }
  return contents;
}

/** The pages that are made from the code, whole or in part, by their path in the book's folder. */
export function formatApi(book: Book): Map<string, string> {
  const contents = readApi(book);
  const places = placesOf(contents);
  const files = new Map([["api/README.md", formatContents(contents, places)]]);
  for (const [page, declarations] of contents) files.set(`api/${page.name}.md`, formatPage(page, declarations, places));
  if (book.limits !== undefined) {
    const limits = readFileSync(join(book.folder, book.limits), "utf8");
    const tables = formatDefaults([...contents.values()].flat(), places);
    files.set(
      book.limits,
      limits.replace(/(<!-- defaults -->\n).*(?=<!-- \/defaults -->)/s, (_, start) => `${start}\n${tables}\n\n`),
    );
  }
  return files;
}

/** By source; within one, what runs comes before what only describes, each in the order in which it is written. */
function sortByKind(declarations: readonly Declaration[], order: readonly string[]): Declaration[] {
  const rank = ({ source, kind }: Declaration) =>
    order.indexOf(source) * 2 + (kind === "class" || kind === "function" ? 0 : 1);
  return declarations.toSorted((left, right) => rank(left) - rank(right) || left.position - right.position);
}
