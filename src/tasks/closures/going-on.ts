import type { Definition, DefinitionNode } from "./definition.js";

/** What a text has by which code goes on after it returned, or is called later. */
const signs = [
  /\b(?:async|await|yield|Promise|then|fetch|require|import|__rayflight_import)\b/,
  /\b(?:setTimeout|setInterval|setImmediate|queueMicrotask|nextTick|waitAsync|addEventListener|addListener)\b/,
  /\.(?:on|once)\s*\(|\[native code\]/,
];

const ending = new WeakSet<object>();

/** Notes of shipped code that was made whether it may go on. */
export function noteText(made: object, definition: Definition, imports: ReadonlyMap<DefinitionNode, unknown>): void {
  if (!definition.nodes.some((node) => nodeGoesOn(node, imports))) ending.add(made);
}

/**
 * Whether calls of a shipped function or class may go on after they returned, as far as the texts tell of it, of what it
 * captures and of the functions that it imports; what those call in their own modules is not looked at.
 */
export function mayGoOn(code: object): boolean {
  return !ending.has(code);
}

function nodeGoesOn(node: DefinitionNode, imports: ReadonlyMap<DefinitionNode, unknown>): boolean {
  if (node.kind === "function") return hasSign(node.source);
  if (node.kind === "global") return hasSign(node.path.join("."));
  return node.kind === "import" && importGoesOn(imports.get(node));
}

/** A function or class by its text, and those of the classes that it extends; whole modules and other objects may have anything. */
function importGoesOn(value: unknown): boolean {
  if (typeof value !== "function") return typeof value === "object" && value !== null;
  for (let code: unknown = value; code !== Function.prototype; code = Object.getPrototypeOf(code)) {
    if (typeof code !== "function" || hasSign(String(code))) return true;
  }
  return false;
}

function hasSign(text: string): boolean {
  return signs.some((sign) => sign.test(text));
}
