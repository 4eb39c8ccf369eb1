import type { StoredValue } from "../store/value.js";
import type { FilledActorOptions, FilledTaskOptions, MethodOptions } from "./options.js";
import type { ActorId, CodeId, ObjectId } from "./scheduler/events.js";

/** A live object as it travels inside a value: what another thread needs to make one that stands for the same thing. */
export type LiveRecord =
  | { readonly kind: "ref"; readonly object: ObjectId }
  | ActorRecord
  | { readonly kind: "function"; readonly code: CodeId; readonly name: string; readonly options: FilledTaskOptions }
  | {
      readonly kind: "class";
      readonly code: CodeId;
      readonly name: string;
      readonly methods: readonly string[];
      readonly options: FilledActorOptions;
    };

/** An actor's handle. */
export interface ActorRecord {
  readonly kind: "actor";
  readonly actor: ActorId;
  readonly className: string;
  readonly methods: readonly string[];
  readonly calls: CallTraits;
}

/** What is known of the calls of an actor, wherever its handle goes. */
export interface CallTraits {
  readonly maxTaskRetries: number;
  /** 0 for no limit. */
  readonly maxPendingCalls: number;
  /** The names of its concurrency groups: their numbers, from 1, are what calls bring along; 0 is the usual group. */
  readonly groups: readonly string[];
  readonly methods: Readonly<Record<string, MethodOptions>>;
}

/** The method by which live objects say what they are. A registered symbol: it holds across copies of the package. */
export const toRecord: unique symbol = Symbol.for("rayflight.live") as never;

/** Objects that travel as records: ObjectRefs, actor handles, remote functions and classes. */
export interface Live {
  [toRecord](codes: CodeRegistry): LiveRecord;
}

/** Code that was given to `remote`. One object a function, so that it is shipped once. */
export interface RemoteCode {
  readonly name: string;
  /** The function or class; absent where the code came from another thread and only its number is known. */
  readonly target?: (...args: never[]) => unknown;
}

/** Gives code its number, and ships it when that was not done yet. */
export interface CodeRegistry {
  codeId(code: RemoteCode): CodeId;
}

export function isLive(value: object): value is Live {
  return typeof (value as Partial<Live>)[toRecord] === "function";
}

/** The objects and actors that a stored value refers to: they must outlive it. */
export function refsIn(stored: StoredValue): ObjectId[] {
  if (typeof stored !== "object" || stored === null || stored.handles === undefined) return [];
  return (stored.handles as LiveRecord[]).flatMap((record) => {
    if (record.kind === "ref") return [record.object];
    return record.kind === "actor" ? [record.actor] : [];
  });
}

/** The code that remote functions and classes inside of a stored value stand for. */
export function codesIn(stored: StoredValue): CodeId[] {
  if (typeof stored !== "object" || stored === null || stored.handles === undefined) return [];
  return (stored.handles as LiveRecord[]).flatMap((record) =>
    record.kind === "function" || record.kind === "class" ? [record.code] : [],
  );
}
