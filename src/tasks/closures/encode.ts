import { types } from "node:util";
import { type AnyNode, parseExpressionAt } from "acorn";
import { RayflightError } from "../../error.js";
import { isTabular } from "../../store/tabular.js";
import { packValue, type ValueCodec } from "../../store/value.js";
import { isPlain, isPrimitive, surveyValue } from "../../store/value-survey.js";
import { isLive } from "../live.js";
import {
  type AnyClass,
  type Definition,
  type DefinitionNode,
  type Entry,
  importName,
  isClass,
  type SharedSymbol,
  strictHead,
  superName,
} from "./definition.js";
import { entryUrl } from "./entry.js";
import { type FreeNames, findFreeNames } from "./free-names.js";
import { type FunctionFacts, FunctionInspector, type Scope } from "./inspector.js";
import { findKnown, isStandardGlobal, requiredModule } from "./known-values.js";
import { namesOfScript } from "./script-names.js";

type Code = (...args: never[]) => unknown;
type FunctionNode = Extract<DefinitionNode, { kind: "function" }>;

/**
 * Makes a function or class ready to travel. What another module than the entry script exports goes by the module's URL
 * and the export's name. Everything else goes by its text, with the values that its free variables have now; what the
 * module of that text imports is imported again where it arrives.
 *
 * Throws NOT_SERIALIZABLE, naming the captured variable, for what cannot travel.
 */
export function encodeCode(target: Code, codec: ValueCodec): Definition {
  const inspector = new FunctionInspector();
  try {
    return new Encoder(inspector, codec).encode(target);
  } finally {
    inspector.close();
  }
}

class Encoder {
  readonly #inspector: FunctionInspector;
  readonly #codec: ValueCodec;
  readonly #nodes: DefinitionNode[] = [];
  readonly #positions = new Map<unknown, number>();
  readonly #values: unknown[] = [];

  constructor(inspector: FunctionInspector, codec: ValueCodec) {
    this.#inspector = inspector;
    this.#codec = codec;
  }

  encode(target: Code): Definition {
    this.#add(target, "");
    return { nodes: this.#nodes, values: packValue(this.#values, this.#codec, "What the function captured") };
  }

  /** `path` says how `value` was reached, for errors: "train → config → loss". */
  #add(value: unknown, path: string): number {
    const isObject = typeof value === "object" && value !== null;
    if (!isObject && typeof value !== "function") return this.#leaf(value, path);
    const position = this.#positions.get(value);
    if (position !== undefined) return position;
    const reserved = this.#nodes.push({ kind: "value", index: -1 }) - 1;
    this.#positions.set(value, reserved);
    this.#nodes[reserved] =
      findKnown(value) ?? (isObject ? this.#object(value, path) : this.#code(value as Code, path));
    return reserved;
  }

  #leaf(value: unknown, path: string): number {
    return this.#nodes.push(this.#value(value, path)) - 1;
  }

  #value(value: unknown, path: string): DefinitionNode {
    // For its error alone: here it is known which variable it was. All values are packed together.
    if (!isPrimitive(value)) surveyValue(value, this.#codec, `A function cannot travel to a worker: ${quote(path)}`);
    return { kind: "value", index: this.#values.push(value) - 1 };
  }

  #object(value: object, path: string): DefinitionNode {
    if (isLive(value) || isTabular(value)) return this.#value(value, path);
    const prototype: unknown = Object.getPrototypeOf(value);
    const maker = prototype === null ? undefined : (prototype as { constructor?: unknown }).constructor;
    if (isClass(maker) && maker.prototype === prototype && findKnown(maker) === undefined) {
      return this.#instance(value, maker, path);
    }
    if (Array.isArray(value) && holdsCode(value)) return this.#array(value, path);
    if (isPlain(value) && holdsCode(value)) return { kind: "object", entries: this.#entries(value, path) };
    return this.#value(value, path);
  }

  #array(value: readonly unknown[], path: string): DefinitionNode {
    return { kind: "array", items: value.map((item, i) => this.#add(item, `${path}[${i}]`)) };
  }

  #instance(value: object, maker: AnyClass, path: string): DefinitionNode {
    const hidden = hiddenState(value, maker);
    if (hidden !== undefined) throw refuse(`${quote(path)} is an instance of ${maker.name}, which ${hidden}.`);
    const prototypeOf = this.#add(maker, `${path} → class ${maker.name}`);
    if (Array.isArray(value)) {
      const body = this.#nodes.push(this.#array([...value], path)) - 1;
      const entries = this.#entries(value, path, (key) => !/^\d+$/.test(key));
      return { kind: "instance", prototypeOf, body, entries };
    }
    const body = isBuiltinBody(value) ? { body: this.#leaf(value, path) } : {};
    return { kind: "instance", prototypeOf, ...body, entries: this.#entries(value, path) };
  }

  /** What structured clone would take, and accessors and methods by symbols beside it. */
  #entries(value: object, path: string, takes: (key: string) => boolean = () => true): Entry[] {
    return Reflect.ownKeys(value).flatMap((name): Entry[] => {
      const { enumerable, get, set, value: held } = Object.getOwnPropertyDescriptor(value, name)!;
      const key = typeof name === "symbol" ? sharedSymbol(name) : name;
      if (!enumerable || key === undefined || (typeof key === "string" && !takes(key))) return [];
      const where = `${path}${typeof name === "symbol" ? `[${String(name)}]` : `.${name}`}`;
      if (get === undefined && set === undefined) return [{ key, value: this.#add(held, where) }];
      return [{ key, ...(get && { get: this.#add(get, where) }), ...(set && { set: this.#add(set, where) }) }];
    });
  }

  #code(target: Code, path: string): DefinitionNode {
    const name = path === "" ? target.name || "anonymous" : path;
    const text = Function.prototype.toString.call(target);
    if (/\{\s*\[native code\]\s*\}$/.test(text)) throw refuse(`${quote(name)} is a native or bound function.`);
    const facts = this.#inspector.inspect(target);
    const exported = exportedAs(facts);
    if (exported !== undefined)
      return { kind: "import", from: exported.url, specifier: exported.url, name: exported.name };
    if (facts.script?.url.startsWith("node:")) throw refuse(`${quote(name)} is a part of Node.`);
    const required = exportedByRequire(target, facts);
    if (required !== undefined) return required;

    const isClassText = isClass(target);
    const superclass: unknown = isClassText ? Object.getPrototypeOf(target) : undefined;
    const { source, free, made } = readSource(
      text,
      target.name,
      typeof superclass === "function" && superclass !== Function.prototype,
    );
    if (free.outer !== undefined)
      throw refuse(`${quote(name)} uses \`${free.outer}\`, which only exists where it was written.`);
    const captures = [...free.names].flatMap((variable): [string, number][] => {
      if (variable === importName) return [];
      if (variable === superName) return [[variable, this.#add(superclass, `${name} → superclass`)]];
      const node = this.#capture(variable, free, facts, target, name);
      return node === undefined ? [] : [[variable, node]];
    });
    return {
      kind: "function",
      name: typeof target.name === "string" ? target.name : "",
      source,
      strict: isStrict(facts),
      isClass: isClassText,
      origin: originOf(facts, text),
      captures,
      entries: this.#entries(target, name, (key) => !made.has(key)),
    };
  }

  /** The node of a free variable; undefined for a global. */
  #capture(variable: string, free: FreeNames, facts: FunctionFacts, target: Code, path: string): number | undefined {
    const found = this.#find(variable, facts, target);
    if (found === undefined) {
      if (isStandardGlobal(variable) || mayBeMissing.has(variable)) return undefined;
      // What a script's top level declares, and so a notebook cell's, are globals, too.
      if (variable in globalThis) {
        return this.#add((globalThis as Record<string, unknown>)[variable], `${path} → ${variable}`);
      }
      throw refuse(`${quote(path)} uses the variable ${quote(variable)}, whose value cannot be read.`);
    }
    if (found === "unset") {
      throw refuse(`${quote(path)} uses the variable ${quote(variable)}, whose declaration was not reached yet.`);
    }
    if ("specifier" in found) {
      const from = facts.script!.url;
      return this.#nodes.push({ kind: "import", from, specifier: found.specifier, name: found.name }) - 1;
    }
    const where = `${path} → ${variable}`;
    const members = free.members.get(variable);
    // CommonJS reaches everything of its own module, and so of a notebook, through `exports`: take what is used.
    if (variable === "exports" && members !== undefined && typeof found.value === "object" && found.value !== null) {
      const all = found.value as Record<string, unknown>;
      return (
        this.#nodes.push({
          kind: "object",
          entries: [...members]
            .filter((key) => key in all)
            .map((key) => ({ key, value: this.#add(all[key], `${path} → ${key}`) })),
        }) - 1
      );
    }
    if (variable === "require" && typeof found.value === "function") {
      const from = facts.script?.url ?? "";
      return this.#nodes.push({ kind: "import", from, specifier: from, name: "require" }) - 1;
    }
    return this.#add(found.value, where);
  }

  #find(
    variable: string,
    facts: FunctionFacts,
    target: Code,
  ): { value: unknown } | { specifier: string; name: string } | "unset" | undefined {
    for (const scope of this.#scopesOf(facts, target)) {
      if (scope.kind === "module") {
        const imported = facts.script && namesOfScript(facts.script).imports.get(variable);
        if (imported !== undefined) return imported;
      }
      if (scope.names.has(variable)) return scope.read(variable);
    }
    return undefined;
  }

  /** A class without a constructor may have no scopes of its own; its methods have. */
  #scopesOf(facts: FunctionFacts, target: Code): readonly Scope[] {
    if (facts.scopes.length > 0 || !isClass(target)) return facts.scopes;
    for (const { value } of Object.values(Object.getOwnPropertyDescriptors(target.prototype as object))) {
      if (typeof value === "function" && value !== target) return this.#inspector.inspect(value).scopes;
    }
    return [];
  }
}

/** Names that code may test for with `typeof` where they do not exist. */
const mayBeMissing = new Set(["window", "document", "self", "navigator", "Deno", "Bun"]);

/** The one function of an object that has one: a method, a getter or a setter. */
const pickMethod =
  "((object) => (({ value, get, set }) => value ?? get ?? set)(Object.getOwnPropertyDescriptor(object, Reflect.ownKeys(object)[0])))";

interface ReadSource {
  /** An expression that evaluates to the function or class. */
  readonly source: string;
  readonly free: FreeNames;
  /** The properties that the text makes. */
  readonly made: ReadonlySet<string>;
}

/** Parses a function's text as the expression that it is: a function, a class, or a method of an object. */
function readSource(text: string, name: string, hasSuperclass: boolean): ReadSource {
  let source = text;
  let node: AnyNode;
  try {
    node = parse(source);
  } catch {
    // A method: `name() {}`, `async name() {}`, `get name() {}` and the like.
    source = `${pickMethod}({ ${text} })`;
    try {
      node = parse(source);
    } catch {
      throw refuse(`The text of ${quote(name)} cannot be read as a function.`);
    }
  }
  if (hasSuperclass && (node.type === "ClassExpression" || node.type === "ClassDeclaration") && node.superClass) {
    // The superclass itself travels, whatever expression it was.
    const { start, end } = node.superClass;
    source = source.slice(0, start) + superName + source.slice(end);
    node = parse(source);
  }
  const made = staticFields(node);
  const free = findFreeNames(node);
  if (free.imports.length === 0) return { source, free, made };
  for (const { start } of [...free.imports].reverse()) {
    source = source.slice(0, start) + importName + source.slice(start + "import".length);
  }
  return { source, free: findFreeNames(parse(source)), made };
}

/** The names of the static fields that a class's text makes anew. */
function staticFields(node: AnyNode): Set<string> {
  const names = new Set<string>();
  if (node.type !== "ClassExpression") return names;
  for (const member of node.body.body) {
    if (member.type !== "PropertyDefinition" || !member.static || member.computed) continue;
    if (member.key.type === "Identifier") names.add(member.key.name);
    else if (member.key.type === "Literal") names.add(String(member.key.value));
  }
  return names;
}

function parse(source: string): AnyNode {
  const node = parseExpressionAt(source, 0, {
    ecmaVersion: "latest",
    sourceType: "module",
    allowSuperOutsideMethod: true,
  });
  if (source.slice(node.end).trim() !== "") throw new SyntaxError("It is more than an expression.");
  return node as AnyNode;
}

/** How a function can be imported, when a module other than the entry script exports it. */
function exportedAs({ script, position }: FunctionFacts): { url: string; name: string } | undefined {
  if (script === undefined || !script.isModule || !/^(file|data|https?):/.test(script.url)) return undefined;
  if (script.url === entryUrl()) return undefined;
  const name = namesOfScript(script).exportAt(position);
  return name === undefined ? undefined : { url: script.url, name };
}

/** The same for a CommonJS module. */
function exportedByRequire(target: Code, { script }: FunctionFacts): DefinitionNode | undefined {
  if (script === undefined || script.isModule || script.url === entryUrl()) return undefined;
  const exports = requiredModule(script.url)?.exports as Record<string, unknown> | undefined;
  if (exports === undefined || exports === null) return undefined;
  const name =
    (exports as unknown) === target ? "default" : Object.keys(exports).find((key) => exports[key] === target);
  return name === undefined ? undefined : { kind: "import", from: script.url, specifier: script.url, name };
}

/** Whether a function's script is strict code: a module, or what was shipped out of one. */
function isStrict({ script }: FunctionFacts): boolean {
  return script !== undefined && (script.isModule || script.source.startsWith(strictHead));
}

function originOf({ script, position }: FunctionFacts, text: string): FunctionNode["origin"] {
  if (script === undefined) return { url: "", line: 0, column: 0 };
  const start = Math.max(0, script.source.lastIndexOf(text, position));
  const before = script.source.slice(0, start);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { url: script.url, line: script.startLine + before.split("\n").length - 1, column: start - lineStart };
}

/** What of an instance no other thread can make: private fields of its class, or what a builtin superclass keeps inside. */
function hiddenState(value: object, maker: AnyClass): string | undefined {
  for (let type: unknown = maker; isClass(type); type = Object.getPrototypeOf(type)) {
    if (findKnown(type) !== undefined) {
      return isBuiltinBody(value) || Array.isArray(value) ? undefined : `extends ${type.name}`;
    }
    if (declaresPrivate(type)) return "has private fields";
  }
  return undefined;
}

/** Of the classes whose text was read: a thousand instances of one are one reading. */
const knownPrivate = new WeakMap<AnyClass, boolean>();

/** Whether a class's own text gives its instances private fields or methods. */
function declaresPrivate(type: AnyClass): boolean {
  let isPrivate = knownPrivate.get(type);
  if (isPrivate === undefined) {
    const node = parse(Function.prototype.toString.call(type));
    const members = node.type === "ClassExpression" ? node.body.body : [];
    isPrivate = members.some((member) => "key" in member && member.key?.type === "PrivateIdentifier" && !member.static);
    knownPrivate.set(type, isPrivate);
  }
  return isPrivate;
}

/** Whether functions, accessors or instances of classes lie anywhere in a plain object or array. */
function holdsCode(value: unknown, seen = new Set<unknown>()): boolean {
  if (typeof value === "function") return true;
  if (typeof value !== "object" || value === null || seen.has(value) || types.isArrayBufferView(value)) return false;
  seen.add(value);
  if (isLive(value) || isTabular(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  const maker = prototype === null ? undefined : (prototype as { constructor?: unknown }).constructor;
  if (isClass(maker) && findKnown(maker) === undefined) return true;
  if (Array.isArray(value)) return value.some((item) => holdsCode(item, seen));
  if (!isPlain(value)) return false;
  return Reflect.ownKeys(value).some((key) => {
    const { enumerable, get, set, value: held } = Object.getOwnPropertyDescriptor(value, key)!;
    return enumerable && (get !== undefined || set !== undefined || holdsCode(held, seen));
  });
}

/** What of a builtin class an instance is, that no prototype makes. */
function isBuiltinBody(value: object): boolean {
  return (
    types.isMap(value) ||
    types.isSet(value) ||
    types.isDate(value) ||
    types.isRegExp(value) ||
    types.isNativeError(value)
  );
}

function sharedSymbol(symbol: symbol): SharedSymbol | undefined {
  const registered = Symbol.keyFor(symbol);
  if (registered !== undefined) return { symbol: registered, isRegistered: true };
  const wellKnown = Object.getOwnPropertyNames(Symbol).find((name) => Reflect.get(Symbol, name) === symbol);
  return wellKnown === undefined ? undefined : { symbol: wellKnown, isRegistered: false };
}

function quote(path: string): string {
  return `"${path}"`;
}

function refuse(what: string): RayflightError {
  return new RayflightError("NOT_SERIALIZABLE", `A function cannot travel to a worker: ${what}`, {
    hint: "Make it inside the function, pass it as an argument, or export the function from a module of its own, which workers then import.",
  });
}
