import { readFileSync } from "node:fs";
import { parse } from "@babel/parser";
import type * as ast from "@babel/types";
import type { Declaration, Member } from "./declarations.js";
import type { Places } from "./format-page.js";

/** An option that has a bound by default. */
export interface Default {
  readonly owner: Declaration;
  readonly option: Member;
  /** As its doc comment says it: "256 MiB". */
  readonly written: string;
  /** What the option is for, without its default. */
  readonly about: string;
}

/** The options whose doc comments name a number, or the lack of one, as their default. */
export function defaultsIn(contents: readonly Declaration[]): Default[] {
  const found: Default[] = [];
  for (const owner of contents.filter(({ name }) => name.endsWith("Options"))) {
    for (const option of owner.members) {
      const [sentence, ...ways] = /\s*Default:? ([^.;]*)[.;]?|\s*([^.]*) by default\.?/.exec(option.comment) ?? [];
      const written = ways
        .find((way) => way !== undefined)
        ?.replace(/, (as|at) .*$/, "")
        .trim();
      if (sentence === undefined || written === undefined || !quantityOf(written)) continue;
      found.push({ owner, option, written, about: option.comment.replace(sentence, " ").replace(/\s+/g, " ").trim() });
    }
  }
  return found;
}

const units: Readonly<Record<string, number>> = {
  "": 1,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
};

/** What a default means as a number, in bytes or milliseconds; undefined for other values. */
export function quantityOf(written: string): number | undefined {
  if (written === "never" || written === "for ever") return Number.POSITIVE_INFINITY;
  const [, digits, unit = ""] = /^([\d,]+) ?(\w*)$/.exec(written) ?? [];
  const factor = units[unit];
  return digits === undefined || factor === undefined ? undefined : Number(digits.replaceAll(",", "")) * factor;
}

/**
 * The numbers that a source file falls back to, by option: from `options.name ?? value`, and from `{ name = value }`. `known` are the
 * constants that it imports.
 */
export function fallbacksIn(path: string, known: Readonly<Record<string, unknown>>): Map<string, number> {
  const { program } = parse(readFileSync(path, "utf8"), { sourceType: "module", plugins: ["typescript"] });
  const found = new Map<string, number>();
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    const [name, value] = fallback(node as ast.Node) ?? [];
    const number = value && evaluate(value, known);
    if (name !== undefined && number !== undefined) found.set(name, number);
    for (const [key, child] of Object.entries(node)) if (key !== "loc") visit(child);
  };
  visit(program);
  return found;
}

function fallback(node: ast.Node): [name: string, value: ast.Expression] | undefined {
  if (node.type === "LogicalExpression" && node.operator === "??" && node.left.type === "MemberExpression") {
    const { object, property } = node.left;
    if (object.type !== "Identifier" || object.name !== "options" || property.type !== "Identifier") return undefined;
    return [property.name, node.right];
  }
  if (node.type === "AssignmentPattern" && node.left.type === "Identifier") return [node.left.name, node.right];
  return undefined;
}

function evaluate(node: ast.Expression, known: Readonly<Record<string, unknown>>): number | undefined {
  if (node.type === "NumericLiteral") return node.value;
  if (node.type === "BinaryExpression" && node.left.type !== "PrivateName") {
    const [left, right] = [evaluate(node.left, known), evaluate(node.right, known)];
    if (left === undefined || right === undefined) return undefined;
    return node.operator === "<<" ? left * 2 ** right : node.operator === "*" ? left * right : undefined;
  }
  const value = lookUp(node, { Number, ...known });
  return typeof value === "number" ? value : undefined;
}

function lookUp(node: ast.Expression, known: Readonly<Record<string, unknown>>): unknown {
  if (node.type === "Identifier") return known[node.name];
  if (node.type !== "MemberExpression" || node.property.type !== "Identifier") return undefined;
  const object = lookUp(node.object as ast.Expression, known);
  return object === undefined ? undefined : (object as Record<string, unknown>)[node.property.name];
}

/** The tables of all bounds, for the page on limits. */
export function formatDefaults(contents: readonly Declaration[], places: Places): string {
  const tables = new Map<string, string[]>();
  for (const { owner, option, written, about } of defaultsIn(contents)) {
    const place = `[${owner.name}](api/${places.get(owner.name)})`;
    const rows = tables.get(owner.name) ?? [`| ${place} | default | |`, "|---|---|---|"];
    rows.push(`| \`${option.name}\` | ${written} | ${about.replaceAll("|", "\\|")} |`);
    tables.set(owner.name, rows);
  }
  return [...tables.values()].map((rows) => rows.join("\n")).join("\n\n");
}
