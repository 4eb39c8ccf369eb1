import { RayflightError } from "../error.js";
import type { Catalog } from "./catalog.js";
import type { StoredBatch } from "./dataset.js";
import { VersionLease } from "./lease.js";
import type { Version } from "./version.js";

/**
 * Every message of a version from the start, in order and once. A follower reads from the store at its own pace, so the
 * writer never waits for it. With `live`, goes on until the stream ends; a failed stream's error comes after its last message.
 */
export async function* followVersion(
  catalog: Catalog,
  version: Version,
  live: boolean,
  signal: AbortSignal | undefined,
): AsyncGenerator<StoredBatch, void> {
  const lease = new VersionLease(catalog, version);
  try {
    if (!live || version.state === "sealed") {
      for (const part of lease.info.parts.keys()) {
        for await (const message of lease.read(part)) {
          throwIfAborted(signal);
          yield message;
        }
      }
      return;
    }
    const part = version.parts[0]!;
    for (let index = 0; ; ) {
      throwIfAborted(signal);
      const message = await part.at(index);
      if (message !== undefined) {
        index += 1;
        yield message;
      } else if (version.state === "streaming") await version.change(signal);
      else break;
    }
    if (version.error !== undefined) throw version.error;
  } finally {
    lease.release();
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw RayflightError.from(signal.reason, "CANCELLED");
}
