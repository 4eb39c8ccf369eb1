import type { StoredValue } from "../../store/value.js";
import { isPrimitive } from "../../store/value-survey.js";
import type { CallFacts } from "../journal.js";
import {
  argumentWords,
  type CallArgument,
  type ResolvedArgument,
  ResultOf,
  readDouble,
  type WordReader,
  wordsOf,
  writeArgument,
  writeDouble,
  writeStored,
} from "./words.js";

/**
 * A call on a board or in an actor's ring. Words: 0 its length; 1 its number at its owner; 2 its callee's number at its
 * owner; 3 and 4 its parent's id; 5 and 6 when it was submitted; 7 the attempt; 8 how many arguments; then these.
 */
const head = 9;

/** How many words a call with these arguments takes; infinitely many where one of them does not fit. */
export function callWords(args: readonly CallArgument[]): number {
  let length = head;
  for (const argument of args) length += isPrimitive(argument) ? wordsOf(argument) : argumentWords(argument);
  return length;
}

/** Writes a call of `length` words. */
export function writeCall(
  words: Int32Array,
  at: number,
  length: number,
  number: number,
  callee: number,
  parent: number,
  submitted: number,
  args: readonly CallArgument[],
  attempt = 1,
): void {
  words[at] = length;
  words[at + 1] = number;
  words[at + 2] = callee;
  writeDouble(words, at + 3, parent);
  writeDouble(words, at + 5, submitted);
  words[at + 7] = attempt;
  words[at + 8] = args.length;
  let next = at + head;
  for (const argument of args) {
    next = isPrimitive(argument) ? writeStored(words, next, argument) : writeArgument(words, next, argument);
  }
}

/** Which attempt this is, from 1. The owner counts it up before it puts a call up again. */
export function attemptOf(words: Int32Array, at: number): number {
  return words[at + 7]!;
}

export function countAttempt(words: Int32Array, at: number): void {
  words[at + 7]! += 1;
}

export const numberOf = (words: Int32Array, at: number): number => words[at + 1]!;
export const calleeOf = (words: Int32Array, at: number): number => words[at + 2]!;
export const parentOf = (words: Int32Array, at: number): number => readDouble(words, at + 3);
export const submittedOf = (words: Int32Array, at: number): number => readDouble(words, at + 5);

/** In an actor's ring the seventh word is the call's place in the order of its caller; -1 for a record that names a method. */
export function setSequence(words: Int32Array, at: number, sequence: number): void {
  words[at + 7] = sequence;
}

export const sequenceOf = (words: Int32Array, at: number): number => words[at + 7]!;

/**
 * The arguments of a call, of which some may be results of other calls, taken from `results`; undefined when one of them is not
 * there.
 */
export function readResolved(
  reader: WordReader,
  words: Int32Array,
  at: number,
  results: { has(number: number): boolean; get(number: number): StoredValue } | undefined,
): ResolvedArgument[] | undefined {
  reader.words = words;
  reader.at = at + head;
  const count = words[at + 8]!;
  const args = new Array<ResolvedArgument>(count);
  for (let i = 0; i < count; i++) {
    const number = reader.readResultOf();
    if (number < 0) args[i] = reader.readArgument();
    else if (results?.has(number)) args[i] = results.get(number);
    else return undefined;
  }
  return args;
}

/** The arguments of a call as they were written. */
export function readWritten(reader: WordReader, words: Int32Array, at: number): CallArgument[] {
  reader.words = words;
  reader.at = at + head;
  const args = new Array<CallArgument>(words[at + 8]!);
  for (let i = 0; i < args.length; i++) {
    const number = reader.readResultOf();
    args[i] = number < 0 ? reader.readArgument() : new ResultOf(number);
  }
  return args;
}

/** The arguments of a call to an actor. */
export function readArguments(reader: WordReader, words: Int32Array, at: number): StoredValue[] {
  reader.words = words;
  reader.at = at + head;
  const count = words[at + 8]!;
  const args = new Array<StoredValue>(count);
  for (let i = 0; i < count; i++) args[i] = reader.read();
  return args;
}

/** What a call says beside its arguments. In an actor's ring it does not say which attempt it is. */
export function readFacts(words: Int32Array, at: number, attempt: number = words[at + 7]!): CallFacts {
  return {
    number: words[at + 1]!,
    calleeNumber: words[at + 2]!,
    parent: readDouble(words, at + 3),
    submitted: readDouble(words, at + 5),
    attempt,
  };
}

/** What a result record says. */
export const resultKind = {
  /** The value follows. */
  value: 0,
  /** The failure follows, packed. */
  failure: 1,
  /** The worker gave the outcome to the node, as it does not fit words. */
  atNode: 2,
  /** The worker does not have a result that is an argument: the call did not begin. */
  bounced: 3,
  /** No result: what calls of a callee (in the number's place) take, in nanoseconds (in the slot's place). */
  took: 4,
  /** The worker's thread stands still: the call did not begin, and goes back to the board. */
  returned: 5,
} as const;

/** A result in a ring. Words: 0 its length; 1 its kind; 2 the number of the call; 3 its slot, -1 for none; then its value. */
const resultHead = 4;

export function resultWords(value: StoredValue): number {
  return resultHead + wordsOf(value);
}

export function writeResult(
  words: Int32Array,
  at: number,
  kind: number,
  number: number,
  slot: number,
  value: StoredValue,
): void {
  words[at + 1] = kind;
  words[at + 2] = number;
  words[at + 3] = slot;
  writeStored(words, at + resultHead, value);
}

export const resultKindOf = (words: Int32Array, at: number): number => words[at + 1]!;
export const resultNumberOf = (words: Int32Array, at: number): number => words[at + 2]!;
export const resultSlotOf = (words: Int32Array, at: number): number => words[at + 3]!;

export function readResult(reader: WordReader, words: Int32Array, at: number): StoredValue {
  reader.words = words;
  reader.at = at + resultHead;
  return reader.read();
}
