import { wallTime } from "./clock.js";
import type { Failure } from "./failure.js";
import type { CallFacts } from "./journal.js";
import type { WorkerMessage } from "./protocol.js";
import type { ClientId } from "./scheduler/events.js";

/** The message that tells the node of a call that threw just now. */
export function faultOf(
  { number, calleeNumber: callee, parent, submitted, attempt }: CallFacts,
  owner: ClientId,
  { code, message }: Failure,
  started: number,
): WorkerMessage & { type: "fault" } {
  const error = `${code}: ${message}`;
  const ended = wallTime();
  return { type: "fault", number, owner, callee, parent, attempt, submitted, started, ended, error };
}
