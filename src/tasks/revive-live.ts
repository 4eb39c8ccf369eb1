import type { LiveRecord, RemoteCode } from "./live.js";
import { RemoteClass, RemoteFunction } from "./remote.js";
import type { CodeId } from "./scheduler/events.js";

/** Makes the live object that a record stands for; `register` learns which number its code has. */
export function reviveLive(
  record: Exclude<LiveRecord, { kind: "ref" | "actor" }>,
  register: (code: RemoteCode, id: CodeId) => void,
): object {
  const code: RemoteCode = { name: record.name };
  register(code, record.code);
  if (record.kind === "function") return new RemoteFunction(code, record.options);
  return new RemoteClass(code, record.methods, record.options);
}
