import { RayflightError } from "../error.js";
import type { ActorRecord } from "./live.js";
import type { ActorId } from "./scheduler/events.js";

/** What a thread may ask the node and waits for, blocked. A namespace that is left out is the session's. */
export type Question =
  /** Takes a name for an actor that is about to be made. Answered by the actor that has it, if there is one. */
  | { kind: "claim"; name: string; namespace: string | undefined; handle: ActorRecord }
  /** The actor with this name; null if there is none. The asker has a reference to it from then on. */
  | { kind: "find"; name: string; namespace: string | undefined }
  /** All names: of one namespace, or with `everywhere` of all. */
  | { kind: "list"; everywhere: boolean };

export interface Answers {
  claim: ActorRecord | null;
  find: ActorRecord | null;
  list: ActorName[];
}

/** The name of an actor, which is one of a kind in its namespace. */
export interface ActorName {
  readonly namespace: string;
  readonly name: string;
  readonly actor: ActorId;
}

/** An answer's memory: 0 while there is none, then the number of its bytes plus one; then these, if they fit. */
const head = 4;
const usualBytes = 1 << 14;
/** The node never computes for long: when it does not answer for this long, it is gone. */
const patienceMilliseconds = 30_000;

/**
 * Asks the node and blocks this thread until it answers, a fraction of a millisecond as a rule: for what is rare and has to
 * be known before the caller goes on. `send` must send at once. Throws UNAVAILABLE when the node does not answer.
 */
export function askNode<K extends Question["kind"]>(
  question: Extract<Question, { kind: K }>,
  send: (question: Question, answer: SharedArrayBuffer) => void,
): Answers[K] {
  for (let bytes = usualBytes; ; ) {
    const memory = new SharedArrayBuffer(head + bytes);
    const state = new Int32Array(memory, 0, 1);
    send(question, memory);
    Atomics.wait(state, 0, 0, patienceMilliseconds);
    const length = Atomics.load(state, 0) - 1;
    if (length < 0) {
      throw new RayflightError("UNAVAILABLE", "The node does not answer.", { hint: "Start a new session." });
    }
    if (length <= bytes) {
      // A decoder takes no shared memory everywhere.
      return JSON.parse(new TextDecoder().decode(new Uint8Array(memory, head, length).slice())) as Answers[K];
    }
    bytes = length;
  }
}

/** Gives the answer to a question; one that does not fit is asked for again. */
export function giveAnswer(memory: SharedArrayBuffer, answer: Answers[keyof Answers]): void {
  const bytes = new TextEncoder().encode(JSON.stringify(answer));
  const state = new Int32Array(memory, 0, 1);
  if (bytes.length <= memory.byteLength - head) new Uint8Array(memory, head).set(bytes);
  Atomics.store(state, 0, bytes.length + 1);
  Atomics.notify(state, 0);
}
