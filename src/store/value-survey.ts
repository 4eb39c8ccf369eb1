import { types } from "node:util";
import { RayflightError } from "../error.js";
import { isTabular, type Tabular } from "./tabular.js";
import type { ValueCodec } from "./value.js";

/** What needs no packing. */
export type Primitive = undefined | null | boolean | number | bigint | string;

/** What V8's serializer never gets to see. */
export type Replaced = number | SharedArrayBuffer | Tabular;

export interface Survey {
  /**
   * The value, or a copy of its containers in which a placeholder stands for each live object, SharedArrayBuffer and table: V8's
   * serializer calls back for typed arrays only.
   */
  readonly value: unknown;
  /** What a placeholder stands for: a handle, by number, a buffer, or a table. */
  readonly placeholders: ReadonlyMap<unknown, Replaced>;
  readonly handles: readonly unknown[];
}

/** Whether a value can be stored as it is. */
export function isPrimitive(value: unknown): value is Primitive {
  return value === null || (typeof value !== "object" && typeof value !== "function" && typeof value !== "symbol");
}

const none: Survey["placeholders"] = new Map();
const isLeaf = (value: object) =>
  types.isAnyArrayBuffer(value) ||
  types.isDate(value) ||
  types.isRegExp(value) ||
  types.isBoxedPrimitive(value) ||
  types.isNativeError(value);

/**
 * Walks a value before it is packed: finds its live objects and refuses what would be lost or fail, with its path. V8's
 * own error names neither the property nor a class whose methods it would drop.
 */
export function surveyValue(value: unknown, codec: ValueCodec, label: string): Survey {
  if (types.isArrayBufferView(value)) return { value, placeholders: none, handles: [] };
  const handles = new Map<object, unknown>();
  const others = new Set<SharedArrayBuffer | Tabular>();
  const seen = new Set<object>();

  const visit = (item: unknown, path: Path): void => {
    if (isPrimitive(item)) return;
    if (typeof item === "symbol" || typeof item === "function") throw refusal(item, label, path);
    if (types.isArrayBufferView(item) || seen.has(item)) return;
    seen.add(item);
    const handle = codec.toHandle(item);
    if (handle !== undefined) handles.set(item, handle);
    else if (types.isSharedArrayBuffer(item)) {
      if (codec.isStored?.(item)) throw refusal(item, label, path);
      others.add(item);
    } else if (Array.isArray(item)) {
      for (let i = 0; i < item.length; i++) if (!isPrimitive(item[i])) visit(item[i], { parent: path, key: i });
    } else if (isPlain(item)) {
      for (const key of Object.keys(item)) if (!isPrimitive(item[key])) visit(item[key], { parent: path, key });
    } else if (types.isMap(item)) {
      for (const [key, entry] of item) {
        visit(key, { parent: path, key: "(key)" });
        visit(entry, { parent: path, key: isPrimitive(key) ? `(${String(key)})` : "(entry)" });
      }
    } else if (types.isSet(item)) {
      for (const entry of item) visit(entry, { parent: path, key: "(entry)" });
    } else if (isTabular(item)) others.add(item);
    else if (!isLeaf(item)) throw refusal(item, label, path);
  };

  visit(value, undefined);
  if (handles.size + others.size === 0) return { value, placeholders: none, handles: [] };
  return { ...putPlaceholders(value, [...handles.keys()], others), handles: [...handles.values()] };
}

/** A plain object of any realm: a notebook cell has an Object.prototype of its own. */
export function isPlain(value: object): value is Record<string, unknown> {
  const prototype = Object.getPrototypeOf(value);
  if (prototype === null) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "hasOwnProperty");
}

type Path = { readonly parent: Path; readonly key: string | number } | undefined;

function putPlaceholders(
  value: unknown,
  live: readonly object[],
  others: ReadonlySet<SharedArrayBuffer | Tabular>,
): Omit<Survey, "handles"> {
  const placeholders = new Map<unknown, Replaced>();
  const copies = new Map<object, unknown>();
  const replace = (item: object, by: Replaced) => {
    const placeholder = new Uint8Array(0);
    placeholders.set(placeholder, by);
    copies.set(item, placeholder);
  };
  live.forEach(replace);
  for (const other of others) replace(other, other);
  const copy = (item: unknown): unknown => {
    if (typeof item !== "object" || item === null) return item;
    if (copies.has(item)) return copies.get(item);
    if (Array.isArray(item)) {
      const array: unknown[] = new Array(item.length);
      copies.set(item, array);
      item.forEach((entry, i) => {
        array[i] = copy(entry);
      });
      return array;
    }
    if (types.isMap(item)) {
      const map = new Map();
      copies.set(item, map);
      for (const [key, entry] of item) map.set(copy(key), copy(entry));
      return map;
    }
    if (types.isSet(item)) {
      const set = new Set();
      copies.set(item, set);
      for (const entry of item) set.add(copy(entry));
      return set;
    }
    if (types.isArrayBufferView(item) || isLeaf(item)) return item;
    const object: Record<string, unknown> = {};
    copies.set(item, object);
    for (const [key, entry] of Object.entries(item)) object[key] = copy(entry);
    return object;
  };
  return { value: copy(value), placeholders };
}

function refusal(item: unknown, label: string, path: Path): RayflightError {
  return new RayflightError("NOT_SERIALIZABLE", `${label}${describePath(path)} is ${describe(item)}.`, {
    hint: "Only plain data, typed arrays, Arrow tables, Maps, Sets, Dates, ObjectRefs and actor handles travel between threads.",
  });
}

function describePath(path: Path): string {
  const keys: (string | number)[] = [];
  for (let step = path; step !== undefined; step = step.parent) keys.unshift(step.key);
  const text = keys.map((key) => {
    if (typeof key === "number") return `[${key}]`;
    if (key.startsWith("(")) return key;
    return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
  });
  return text.length === 0 ? "" : `, at ${text.join("").replace(/^\./, "")},`;
}

function describe(item: unknown): string {
  if (types.isSharedArrayBuffer(item)) return "the store's own memory (pass an array over it, or its ObjectRef)";
  if (typeof item === "symbol") return "a symbol";
  if (typeof item === "function") return item.name === "" ? "a function" : `the function ${item.name}`;
  if (types.isPromise(item)) return "a promise (await it first)";
  const name = (item as object).constructor?.name;
  return name === undefined || name === "" ? "an object with a prototype" : `an instance of the class ${name}`;
}
