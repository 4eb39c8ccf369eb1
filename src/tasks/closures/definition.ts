import type { StoredValue } from "../../store/value.js";

/** Where code comes from: for stacks, and to resolve what it imports. */
export interface Origin {
  /** The URL of its module or script; a name that is no URL for code that was typed in. */
  readonly url: string;
  /** Where its text begins there, from 0. */
  readonly line: number;
  readonly column: number;
}

/** A symbol that every thread has: a well-known one, by its name in `Symbol`, or one of the registry, by its key. */
export interface SharedSymbol {
  readonly symbol: string;
  readonly isRegistered: boolean;
}

/** A property: its value, or its getter and setter. */
export interface Entry {
  readonly key: string | SharedSymbol;
  readonly value?: number;
  readonly get?: number;
  readonly set?: number;
}

/** One function, class or value of what is shipped. Nodes refer to each other by position, so cycles are no problem. */
export type DefinitionNode =
  /** An element of `values`. */
  | { readonly kind: "value"; readonly index: number }
  /** An export of another module; `name` is "*" for the module itself. `from` is who imports it. */
  | { readonly kind: "import"; readonly from: string; readonly specifier: string; readonly name: string }
  /** Something that every thread has, by the path from globalThis. */
  | { readonly kind: "global"; readonly path: readonly string[] }
  | {
      readonly kind: "function";
      /** What stacks and debuggers call it, where its text has no name. */
      readonly name: string;
      /** An expression that evaluates to it, in which imports are calls of `importName`. */
      readonly source: string;
      readonly strict: boolean;
      readonly isClass: boolean;
      readonly origin: Origin;
      /** What its free variables stand for. */
      readonly captures: readonly (readonly [name: string, node: number])[];
      /** Its properties that its text does not make. */
      readonly entries: readonly Entry[];
    }
  /** An object or array that contains functions. */
  | { readonly kind: "object"; readonly entries: readonly Entry[] }
  | { readonly kind: "array"; readonly items: readonly number[] }
  /** An instance of a class, by its own properties; where the class extends Array, Map or the like, `body` is one of these. */
  | {
      readonly kind: "instance";
      readonly prototypeOf: number;
      readonly body?: number;
      readonly entries: readonly Entry[];
    };

/** A function or class in the form in which it travels: `nodes[0]` is it. */
export interface Definition {
  readonly nodes: readonly DefinitionNode[];
  readonly values: StoredValue;
}

/** The names by which shipped source refers to what only the worker can give it. */
export const importName = "__rayflight_import";
export const superName = "__rayflight_super";
/** How the script begins in which strict code is compiled again. */
export const strictHead = `(${importName}) => {"use strict";`;

/** A class, as something that makes instances. */
export type AnyClass = new (...args: never[]) => object;

/** Whether a function is a class: only those have a prototype that cannot be replaced. */
export function isClass(target: unknown): target is AnyClass {
  return typeof target === "function" && Object.getOwnPropertyDescriptor(target, "prototype")?.writable === false;
}
