import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { types } from "node:util";
import type { DefinitionNode } from "./definition.js";

type Known = Extract<DefinitionNode, { kind: "global" | "import" }>;

const require = createRequire(import.meta.url);
let globals: Map<unknown, readonly string[]> | undefined;
let builtins: Map<unknown, Known> | undefined;

/**
 * Recognises what every thread has anyway: globals (`Math`, `Object.keys`), Node's modules and what they export, modules
 * that were loaded with `require`, and the copies of those that TypeScript makes for `import * as`.
 */
export function findKnown(value: unknown): Known | undefined {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return undefined;
  globals ??= listGlobals();
  const path = globals.get(value);
  if (path !== undefined) return { kind: "global", path };
  builtins ??= listBuiltins();
  return builtins.get(value) ?? findRequired(value) ?? findStarCopy(value);
}

/** Enumerable globals of Node itself. */
const nodeGlobals = new Set([
  ...["global", "queueMicrotask", "structuredClone", "performance", "fetch", "crypto", "navigator", "atob", "btoa"],
  ...["setTimeout", "clearTimeout", "setInterval", "clearInterval", "setImmediate", "clearImmediate"],
]);

/** Whether every thread has this global: it is the language's or Node's, not the program's. */
export function isStandardGlobal(name: string): boolean {
  const property = Object.getOwnPropertyDescriptor(globalThis, name);
  return property === undefined ? name in globalThis : !property.enumerable || nodeGlobals.has(name);
}

/** A CommonJS module, or one that was loaded by `require`, by its URL. */
export function requiredModule(url: string): NodeModule | undefined {
  return url.startsWith("file:") ? require.cache[fileURLToPath(url)] : require.cache[url];
}

function listGlobals(): Map<unknown, readonly string[]> {
  const found = new Map<unknown, readonly string[]>([[globalThis, []]]);
  const add = (value: unknown, path: readonly string[]) => {
    if (((typeof value === "object" && value !== null) || typeof value === "function") && !found.has(value)) {
      found.set(value, path);
      return true;
    }
    return false;
  };
  // Only what the language itself defines: other globals may be the program's own.
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    const property = Object.getOwnPropertyDescriptor(globalThis, name)!;
    const value = "value" in property ? property.value : undefined;
    if (!isStandardGlobal(name) || name === "globalThis" || name === "global" || !add(value, [name])) continue;
    for (const [key, { value: member }] of Object.entries(Object.getOwnPropertyDescriptors(value as object))) {
      if (typeof member === "function") add(member, [name, key]);
    }
    const { prototype } = value as { prototype?: unknown };
    if (typeof prototype !== "object" || prototype === null || !add(prototype, [name, "prototype"])) continue;
    for (const [key, { value: member }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (typeof member === "function") add(member, [name, "prototype", key]);
    }
  }
  return found;
}

/** Node's modules that programs use; loading all of them would print warnings about those that are experiments. */
const builtinNames = [
  ...["assert", "async_hooks", "buffer", "child_process", "crypto", "dns", "events", "fs", "fs/promises", "http"],
  ...["https", "module", "net", "os", "path", "perf_hooks", "process", "querystring", "readline", "stream"],
  ...[
    "stream/promises",
    "string_decoder",
    "timers",
    "timers/promises",
    "url",
    "util",
    "v8",
    "vm",
    "worker_threads",
    "zlib",
  ],
];

function listBuiltins(): Map<unknown, Known> {
  const found = new Map<unknown, Known>();
  for (const name of builtinNames) {
    const specifier = `node:${name}`;
    const exports = require(specifier) as Record<string, unknown>;
    if (!found.has(exports)) found.set(exports, importOf(specifier, "default"));
    for (const [key, { value }] of Object.entries(Object.getOwnPropertyDescriptors(exports))) {
      if (typeof value === "function" && !found.has(value)) found.set(value, importOf(specifier, key));
    }
  }
  return found;
}

/** A module by what `require` gave for it: for an ECMAScript module that is its namespace. */
function findRequired(value: unknown): Known | undefined {
  for (const module of Object.values(require.cache)) {
    if (module === undefined || module.exports !== value) continue;
    return importOf(pathToFileURL(module.filename).href, types.isModuleNamespaceObject(value) ? "*" : "default");
  }
  return undefined;
}

/** `import * as x` compiled to CommonJS is an object whose `default` is the module. */
function findStarCopy(value: object): Known | undefined {
  const original: unknown = Object.getOwnPropertyDescriptor(value, "default")?.value;
  if (typeof original !== "object" || original === null) return undefined;
  const known = builtins!.get(original) ?? findRequired(original);
  return known?.kind === "import" ? { ...known, name: "*" } : undefined;
}

function importOf(specifier: string, name: string): Known {
  return { kind: "import", from: specifier, specifier, name };
}
