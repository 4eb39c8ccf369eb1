import { FlightError } from "arrow-flight-node";
import { batchesOf, splitStream, zstdReady } from "arrow-flight-node/ipc";
import { readFixture } from "./fixtures.js";

await zstdReady;

/** A damaged stream and what pyarrow's full validation says; ipc-verdicts.py writes them: [stream, position, byte, ..., accepted]. */
export type Verdict = [string, ...(number | boolean)[]];

/** What this package makes of a damaged stream: "accepted", or the error that it refuses it with. Errors of other classes are thrown on. */
export function judge([name, ...rest]: Verdict): "accepted" | FlightError {
  const bytes = Uint8Array.from(readFixture(name));
  for (let i = 0; i + 1 < rest.length; i += 2) bytes[Number(rest[i])] = Number(rest[i + 1]);
  try {
    const [schema, ...messages] = splitStream(bytes);
    // A stream of nothing is a stream here; pyarrow asks for a schema, as decodeBatches does.
    if (schema === undefined) throw new FlightError("INVALID_ARGUMENT", "The stream has no schema.");
    Array.from(batchesOf(schema.header, messages));
    return "accepted";
  } catch (reason) {
    if (reason instanceof FlightError) return reason;
    throw reason;
  }
}
