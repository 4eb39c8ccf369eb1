import type { ActorId } from "../scheduler/events.js";

/** Words 22 and 23 of a thread's: the shared actor whose code runs, its maker and its number there; 0 for none. */
const makerWord = 22;
const numberWord = 23;

/** Notes on this thread which of its shared actors runs now. It is read once the thread has ended, so a plain store will do. */
export function noteTenant(words: Int32Array, actor: ActorId | undefined): void {
  words[makerWord] = actor === undefined ? 0 : Math.floor(actor / 2 ** 32);
  words[numberWord] = actor === undefined ? 0 : actor | 0;
}

/** The shared actor whose code ran when the thread ended; undefined when none did, or it is not known. */
export function notedTenant(words: SharedArrayBuffer): ActorId | undefined {
  const view = new Int32Array(words);
  const actor = view[makerWord]! * 2 ** 32 + (view[numberWord]! >>> 0);
  return actor === 0 ? undefined : actor;
}
