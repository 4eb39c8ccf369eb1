import { randomUUID } from "node:crypto";
import type { FlightData, IncomingMessages } from "arrow-flight-node";
import type { DatasetRegistry, PartWriter } from "../../src/data/index.js";
import { RayflightError } from "../../src/error.js";
import { readEndMarker, readPutTarget, toJson } from "./wire.js";

/**
 * Receives one DoPut into the store, where the bytes land once.
 *
 * A part of a transaction is staged, and is complete only with its end marker and the rows that it announces; sealing
 * is a later action. A put to a plain path is a transaction of its own, sealed when the stream ends. Yields one
 * PutResult, `{"rows","bytes"}`. A stream that breaks, or ends short, leaves nothing behind.
 */
export async function* put(registry: DatasetRegistry, messages: IncomingMessages): AsyncGenerator<Uint8Array> {
  const incoming = messages[Symbol.asyncIterator]();
  const first = await incoming.next();
  if (first.done) {
    throw new RayflightError("INVALID_ARGUMENT", "The put ended before its first message.", {
      hint: "Send a descriptor and a schema first.",
    });
  }
  const target = readPutTarget(first.value.descriptor);
  const whole = target.kind === "dataset" ? wholeDataset(target.dataset) : undefined;
  const command = whole ?? (target as Extract<typeof target, { kind: "part" }>).command;
  const part = registry.stage({ ...command, schema: first.value.header });
  messages.allocate = (bytes) => part.allocate(bytes);
  let staged: { rows: number; bytes: number };
  try {
    const announced = await receive(incoming, part, whole !== undefined);
    staged = part.finish(announced);
  } catch (reason) {
    part.abort();
    if (whole !== undefined) registry.abort(whole.transaction);
    throw reason;
  }
  if (whole !== undefined) {
    registry.seal({
      transaction: whole.transaction,
      dataset: whole.dataset,
      mode: "overwrite",
      parts: [{ part: whole.part, attempt: whole.attempt, rows: staged.rows }],
    });
  }
  yield toJson(staged);
}

function wholeDataset(dataset: string) {
  return { transaction: randomUUID(), dataset, part: "0", attempt: 0 };
}

/** Appends every batch, and returns the rows that the end marker announces; a whole dataset needs no marker. */
async function receive(incoming: AsyncIterator<FlightData>, part: PartWriter, whole: boolean): Promise<number> {
  let announced: number | undefined;
  for (let next = await incoming.next(); !next.done; next = await incoming.next()) {
    const message = next.value;
    if (announced !== undefined) {
      throw new RayflightError("INVALID_ARGUMENT", "The part goes on after its end marker.", {
        hint: "Send the end marker last.",
      });
    }
    if (message.header.length > 0) part.append(message);
    else if (!whole && message.appMetadata.length > 0) announced = readEndMarker(message.appMetadata)?.rows;
  }
  if (announced !== undefined) return announced;
  if (whole) return part.rows;
  throw new RayflightError("INVALID_ARGUMENT", `The part ended after ${part.rows} rows without its end marker.`, {
    hint: 'Its writer was cut off, or must send {"rows": n, "end": true} as application metadata last.',
  });
}
