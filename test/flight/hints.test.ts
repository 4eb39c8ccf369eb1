import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { parse } from "@babel/parser";
import type * as ast from "@babel/types";
import test from "ava";

const folder = "bridge/flight/src";

/** Errors that repeat what was said, hint included: by a handler, by the peer, or by this package. */
const quoting = ["error.ts", "protocol/status.ts", "ipc/zstd.ts"];

interface Made {
  readonly place: string;
  readonly node: ast.NewExpression;
}

function errorsIn(file: string): Made[] {
  const { program } = parse(readFileSync(path.join(folder, file), "utf8"), {
    sourceType: "module",
    plugins: ["typescript"],
  });
  const found: Made[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    const node = value as ast.Node;
    if (node.type === "NewExpression" && node.callee.type === "Identifier" && node.callee.name === "FlightError") {
      found.push({ place: `${file}:${node.loc?.start.line}`, node });
    }
    for (const [key, child] of Object.entries(node)) if (key !== "loc" && !key.endsWith("Comments")) visit(child);
  };
  visit(program);
  return found;
}

/** Where the text of an expression ends, as far as it is written here: "…" for a value. */
function endOf(node: ast.Node | null | undefined): string {
  if (node?.type === "StringLiteral") return node.value.slice(-1);
  if (node?.type === "TemplateLiteral") return (node.quasis.at(-1)!.value.cooked ?? "").slice(-1) || "…";
  return "…";
}

function hintOf(node: ast.NewExpression): ast.Node | undefined {
  const options = node.arguments[2];
  if (options?.type !== "ObjectExpression") return options;
  const hint = options.properties.find(
    (property) =>
      property.type === "ObjectProperty" && property.key.type === "Identifier" && property.key.name === "hint",
  );
  return hint?.type === "ObjectProperty" ? hint.value : undefined;
}

const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
const errors = files.filter((file) => !quoting.includes(file)).flatMap(errorsIn);

test("every error says what to do next: a hint that is a sentence", (t) => {
  t.true(errors.length > 60, `${errors.length}`);
  for (const { place, node } of errors) {
    const hint = hintOf(node);
    t.truthy(hint, `${place} has no hint`);
    t.regex(endOf(hint), /^[.…]$/, `${place}: the hint is no sentence`);
  }
});

test("every error's message is a sentence of its own, which the hint may follow", (t) => {
  for (const { place, node } of errors)
    t.regex(endOf(node.arguments[1]), /^[.?…]$/, `${place}: the message is no sentence`);
});

test("an error without a hint, and one that is no sentence, are seen", (t) => {
  const made = (text: string) => {
    const { program } = parse(text);
    const [statement] = program.body;
    return (statement as ast.ExpressionStatement).expression as ast.NewExpression;
  };
  t.is(hintOf(made('new FlightError("INTERNAL", "Broken.", { cause })')), undefined);
  t.is(hintOf(made('new FlightError("INTERNAL", "Broken.")')), undefined);
  t.is(endOf(hintOf(made('new FlightError("INTERNAL", "Broken.", { hint: "mend it" })'))), "t");
  t.is(endOf(hintOf(made('new FlightError("INTERNAL", "Broken.", { hint: `Mend it.` })'))), ".");
});
