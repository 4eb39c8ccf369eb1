import { notedTenant } from "../rings/tenant.js";
import type { ActorId } from "../scheduler/events.js";

/** How long a shared actor that was killed may go on with a call. */
const graceMilliseconds = 1000;

/**
 * A shared actor was told to leave its thread. One whose call does not return would hold its neighbours up for ever: then `end` is
 * called, which ends the thread. `words` are the thread's.
 */
export function watchEviction(words: SharedArrayBuffer, actor: ActorId, end: () => void): void {
  const timer = setTimeout(() => {
    if (notedTenant(words) === actor) end();
  }, graceMilliseconds);
  timer.unref();
}
