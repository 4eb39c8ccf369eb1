import { Script } from "node:vm";
import { RayflightError } from "../../error.js";
import { unpackValue, type ValueCodec } from "../../store/value.js";
import {
  type Definition,
  type DefinitionNode,
  type Entry,
  importName,
  type SharedSymbol,
  strictHead,
  superName,
} from "./definition.js";
import { noteText } from "./going-on.js";
import { importFrom, requireOf } from "./program-imports.js";

type FunctionNode = Extract<DefinitionNode, { kind: "function" }>;
type ImportNode = Extract<DefinitionNode, { kind: "import" }>;
type Bind = (name: string, value: unknown) => void;

/** Makes a shipped function or class callable in this thread. The inverse of `encodeCode`. */
export async function reviveCode(definition: Definition, codec: ValueCodec): Promise<(...args: unknown[]) => unknown> {
  const imports = new Map<DefinitionNode, unknown>();
  await Promise.all(
    definition.nodes.map(async (node) => {
      if (node.kind === "import") imports.set(node, await importNode(node));
    }),
  );
  const made = new Reviver(definition, imports, codec).revive(0) as (...args: unknown[]) => unknown;
  noteText(made, definition, imports);
  return made;
}

class Reviver {
  readonly #nodes: readonly DefinitionNode[];
  readonly #values: readonly unknown[];
  readonly #imports: ReadonlyMap<DefinitionNode, unknown>;
  readonly #revived = new Map<number, unknown>();
  /** What waits for a class that is being made. */
  readonly #late = new Map<number, ((value: unknown) => void)[]>();

  constructor(definition: Definition, imports: ReadonlyMap<DefinitionNode, unknown>, codec: ValueCodec) {
    this.#nodes = definition.nodes;
    this.#values = unpackValue(definition.values, codec) as unknown[];
    this.#imports = imports;
  }

  revive(position: number): unknown {
    let value: unknown;
    this.#fill(position, (revived) => {
      value = revived;
    });
    return value;
  }

  /** Calls `use` with the node's value: now, or once the class that it belongs to is made. */
  #fill(position: number, use: (value: unknown) => void): void {
    if (this.#revived.has(position)) {
      use(this.#revived.get(position));
      return;
    }
    const waiting = this.#late.get(position);
    if (waiting !== undefined) {
      waiting.push(use);
      return;
    }
    const node = this.#nodes[position]!;
    switch (node.kind) {
      case "value":
        this.#done(position, this.#values[node.index], use);
        return;
      case "global":
        this.#done(position, followPath(node.path), use);
        return;
      case "import":
        this.#done(position, this.#imports.get(node), use);
        return;
      case "object": {
        const object: Record<string, unknown> = {};
        this.#done(position, object, use);
        this.#define(object, node.entries);
        return;
      }
      case "array": {
        const array: unknown[] = new Array(node.items.length);
        this.#done(position, array, use);
        node.items.forEach((item, i) => {
          this.#fill(item, (value) => {
            array[i] = value;
          });
        });
        return;
      }
      case "instance":
        this.#makeLate(position, use, (done) => {
          this.#fill(node.prototypeOf, (maker) => {
            const instance: object = node.body === undefined ? {} : (this.revive(node.body) as object);
            Object.setPrototypeOf(instance, (maker as { prototype: object }).prototype);
            done(instance);
            this.#define(instance, node.entries);
          });
        });
        return;
      case "function":
        node.isClass ? this.#class(position, node, use) : this.#function(position, node, use);
        return;
    }
  }

  /** A function needs what it captured only when it is called, so cycles end here. */
  #function(position: number, node: FunctionNode, use: (value: unknown) => void): void {
    const { make, bind } = evaluate(node);
    const made = make() as object;
    this.#done(position, made, use);
    this.#bind(node, bind);
    this.#define(made, node.entries);
  }

  /** A class needs its superclass, and what its static parts use, when it is made. */
  #class(position: number, node: FunctionNode, use: (value: unknown) => void): void {
    this.#makeLate(position, use, (done) => {
      const { make, bind } = evaluate(node);
      const finish = () => {
        const made = make() as object;
        done(made);
        this.#define(made, node.entries);
      };
      this.#bind(node, bind);
      const superclass = node.captures.find(([name]) => name === superName);
      // It may be being made itself: it mentions this class.
      if (superclass === undefined) finish();
      else this.#fill(superclass[1], finish);
    });
  }

  #makeLate(position: number, use: (value: unknown) => void, make: (done: (value: unknown) => void) => void): void {
    this.#late.set(position, [use]);
    make((value) => {
      const waiting = this.#late.get(position)!;
      this.#late.delete(position);
      this.#revived.set(position, value);
      for (const waiter of waiting) waiter(value);
    });
  }

  #bind({ captures }: FunctionNode, bind: Bind): void {
    for (const [name, capture] of captures) this.#fill(capture, (value) => bind(name, value));
  }

  #define(target: object, entries: readonly Entry[]): void {
    const property = { enumerable: true, configurable: true };
    for (const { key: name, value, get, set } of entries) {
      const key = typeof name === "string" ? name : symbolOf(name);
      if (value !== undefined) {
        this.#fill(value, (held) => Object.defineProperty(target, key, { ...property, value: held, writable: true }));
      }
      if (get !== undefined) {
        this.#fill(get, (getter) => Object.defineProperty(target, key, { ...property, get: getter as () => unknown }));
      }
      if (set !== undefined) {
        this.#fill(set, (setter) =>
          Object.defineProperty(target, key, { ...property, set: setter as (value: unknown) => void }),
        );
      }
    }
  }

  #done(position: number, value: unknown, use: (value: unknown) => void): void {
    this.#revived.set(position, value);
    use(value);
  }
}

/**
 * Compiles a function's text in a scope that has its captured names. `make` evaluates it, `bind` sets a name. Line numbers
 * in stacks are those of the original file.
 */
function evaluate({ name, source, strict, origin, captures }: FunctionNode): { make: () => unknown; bind: Bind } {
  const names = captures.map(([name]) => name);
  const declare = names.length === 0 ? "" : `let ${names.join(", ")};`;
  const setters = names.map((name) => `${JSON.stringify(name)}: (value) => { ${name} = value; }`).join(", ");
  // A function whose text has no name gets that of the property that it is.
  const key = JSON.stringify(name === "__proto__" ? "" : name);
  const head = `${strict ? strictHead : `(${importName}) => {`}${declare} return { setters: { ${setters} }, make: () => ({ ${key}: (`;
  const script = new Script(`${head}\n${" ".repeat(origin.column)}${source}) })[${key}] }; }`, {
    filename: origin.url || "shipped function",
    lineOffset: origin.line - 1,
  });
  const scope = script.runInThisContext() as (importFrom: (specifier: unknown) => Promise<unknown>) => {
    make: () => unknown;
    setters: Record<string, (value: unknown) => void>;
  };
  const { make, setters: set } = scope((specifier) => importFrom(origin.url, String(specifier)));
  return { make, bind: (name, value) => set[name]!(value) };
}

async function importNode({ from, specifier, name }: ImportNode): Promise<unknown> {
  if (name === "require") return await requireOf(from);
  const module = (await importFrom(from, specifier)) as Record<string, unknown>;
  if (name === "*") return module;
  if (name in module) return module[name];
  // A CommonJS module's exports are not all found by reading it.
  const exports = module.default as Record<string, unknown> | undefined;
  if (exports !== undefined && exports !== null && name in exports) return exports[name];
  throw new RayflightError("NOT_FOUND", `The module ${specifier} has no export "${name}" in the worker.`, {
    hint: "Its exports must not depend on the thread that loads it.",
  });
}

function followPath(path: readonly string[]): unknown {
  let value: unknown = globalThis;
  for (const key of path) value = (value as Record<string, unknown>)[key];
  return value;
}

function symbolOf({ symbol, isRegistered }: SharedSymbol): symbol {
  return isRegistered ? Symbol.for(symbol) : (Reflect.get(Symbol, symbol) as symbol);
}
