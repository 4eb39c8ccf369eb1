import { readFile } from "node:fs";
import test from "ava";
import type { Definition, DefinitionNode } from "../../src/tasks/closures/definition.js";
import { mayGoOn, noteText } from "../../src/tasks/closures/going-on.js";

const importNode: DefinitionNode = { kind: "import", from: "file:///a.js", specifier: "./b.js", name: "b" };

function textNode(source: string): DefinitionNode {
  const origin = { url: "file:///a.js", line: 0, column: 0 };
  return { kind: "function", name: "", source, strict: true, isClass: false, origin, captures: [], entries: [] };
}

function goesOn(nodes: readonly DefinitionNode[], imported?: unknown): boolean {
  const made = {};
  const definition: Definition = { nodes, values: null };
  noteText(made, definition, new Map([[importNode, imported]]));
  return mayGoOn(made);
}

test("code that only computes ends when it returns, with what it captures and imports", (t) => {
  const text = "class { run(policy, seed) { return play(policy.map((x, i) => x + i), seed); } }";
  const captured: DefinitionNode[] = [
    { kind: "value", index: 0 },
    { kind: "global", path: ["Float64Array"] },
  ];
  t.false(goesOn([textNode(text), ...captured]));
  for (const imported of [(x: number) => 2 * x, class {}, 3, undefined]) {
    t.false(goesOn([textNode(text), importNode], imported), String(imported));
  }
});

test("what may go on is known by its text, by what it captures and by what it imports", (t) => {
  for (const text of [
    "async (x) => x",
    "function* items() { yield 1; }",
    "() => new Promise(() => {})",
    "(x) => load(x).then(keep)",
    "() => { setTimeout(tick, 1); }",
    "(socket) => { socket.on('data', keep); }",
    "() => __rayflight_import('./b.js')",
  ]) {
    t.true(goesOn([textNode("() => f()"), textNode(text)]), text);
  }
  t.true(goesOn([textNode("() => f()"), { kind: "global", path: ["setInterval"] }]));
  const bound = ((x: number) => x).bind(undefined);
  class Base {
    async load() {}
  }
  for (const imported of [async () => {}, bound, readFile, {}, class extends Base {}, class extends Map {}]) {
    t.true(goesOn([textNode("() => f()"), importNode], imported), String(imported));
  }
});

test("of code that nobody looked at, nothing is known", (t) => {
  t.true(mayGoOn(() => 1));
});
