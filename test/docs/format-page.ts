import type { Declaration, Member, Signature } from "./declarations.js";
import type { Page } from "./pages.js";

const longestLine = 110;

/** Where the names of the reference are explained: "client.md#flightclient" by "FlightClient". */
export type Places = ReadonlyMap<string, string>;

export function placesOf(contents: ReadonlyMap<Page, readonly Declaration[]>): Places {
  const places = new Map<string, string>();
  for (const [page, declarations] of contents) {
    for (const { name } of declarations) places.set(name, `${page.name}.md#${name.toLowerCase()}`);
  }
  return places;
}

export function formatPage(page: Page, declarations: readonly Declaration[], places: Places): string {
  const names = declarations.map(({ name }) => `[${name}](#${name.toLowerCase()})`);
  return [
    `# ${page.title}`,
    `${page.about} From \`${page.entry}\`:`,
    names.join(" · "),
    ...declarations.flatMap((declaration) => formatDeclaration(declaration, page, places)),
    "",
  ].join("\n\n");
}

/** The first page: what each of the others has, with the first sentence of each name. */
export function formatContents(contents: ReadonlyMap<Page, readonly Declaration[]>, places: Places): string {
  const sections = [...contents].flatMap(([page, declarations]) => [
    `## [${page.title}](${page.name}.md)`,
    `${page.about} \`import { … } from "${page.entry}"\``,
    declarations
      .map(
        ({ name, comment }) =>
          `- [\`${name}\`](${places.get(name)})${comment === "" ? "" : `: ${firstSentence(comment)}`}`,
      )
      .join("\n"),
  ]);
  return ["# API reference", "Made from the doc comments by `npm run docs`.", ...sections, ""].join("\n\n");
}

function formatDeclaration(declaration: Declaration, page: Page, places: Places): string[] {
  const { name, kind, comment, signatures, heritage, members } = declaration;
  const parts = [`## ${name}`];
  if (comment !== "") parts.push(comment);
  if (kind === "class") {
    if (heritage !== "" || signatures[0]!.before.includes("<")) parts.push(code(signatures));
    for (const member of members) parts.push(...formatMethod(member, name), ...seeAlso([member], name, page, places));
    return parts;
  } else if (kind === "interface") {
    if (signatures[0]!.before.includes("<")) parts.push(code(signatures.map((one) => ({ ...one, after: "" }))));
    if (heritage !== "") parts.push(`All of \`${heritage}\`${members.length > 0 ? ", and:" : "."}`);
    if (members.length > 0) parts.push(members.map(formatField).join("\n"));
  } else {
    parts.push(code(signatures));
  }
  parts.push(...seeAlso([declaration, ...members], name, page, places));
  return parts;
}

function formatMethod({ name, comment, signatures }: Member, owner: string): string[] {
  const title = name === "constructor" ? `new ${owner}` : name.replace(/^\[(.*)\]$/, "$1");
  const shown = signatures.map((one) => ({ ...one, before: one.before.replace(/^constructor/, `new ${owner}`) }));
  return [`### ${title}`, code(shown), ...(comment === "" ? [] : [comment])];
}

function formatField({ comment, signatures }: Member): string {
  const lines = signatures.map((signature) => `- \`${formatSignature(signature, Number.POSITIVE_INFINITY)}\``);
  return comment === "" ? lines.join("\n") : `${lines.join("\n")}  \n${indent(comment)}`;
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}

function code(signatures: readonly Signature[]): string {
  return ["```ts", ...signatures.map((one) => formatSignature(one, longestLine)), "```"].join("\n");
}

function formatSignature({ before, parameters, after }: Signature, width: number): string {
  if (parameters === undefined) return oneLine(before + after, width);
  const [list, result] = [parameters.map((one) => oneLine(one, width)), oneLine(after, width)];
  const line = `${before}(${list.join(", ")})${result}`;
  if (line.length <= width) return line;
  return [`${before}(`, ...list.map((parameter) => `  ${parameter},`), `)${result}`].join("\n");
}

/** A type that is written over several lines, as one where that fits. */
function oneLine(text: string, width: number): string {
  const line = text.replace(/\s*\n\s*/g, " ").replace(/;( [}\]])/g, "$1");
  return line.length <= width ? line : text;
}

function firstSentence(comment: string): string {
  return /^.*?[.:](?=\s|$)/s.exec(comment)?.[0].replace(/:$/, ".") ?? comment;
}

/** Links to the other names of the reference that some signatures mention, in their order. */
function seeAlso(all: readonly Pick<Member, "signatures">[], own: string, page: Page, places: Places): string[] {
  const texts = all.flatMap(({ signatures }) => signatures);
  const text = texts.flatMap(({ before, parameters = [], after }) => [before, ...parameters, after]).join(" ");
  const mentioned = [...new Set(text.match(/\b[A-Z]\w+\b/g))].filter((name) => name !== own && places.has(name));
  if (mentioned.length === 0) return [];
  const links = mentioned.map((name) => `[${name}](${places.get(name)!.replace(`${page.name}.md`, "")})`);
  return [`<sub>See ${links.join(", ")}</sub>`];
}
