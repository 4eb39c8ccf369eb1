import { closeSync, ftruncateSync, mkdirSync, openSync, read, unlinkSync, write } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { RayflightError } from "../error.js";

const writeAt = promisify(write);
const readAt = promisify(read);
let counter = 0;

/** A file without a name: it is unlinked as soon as it is open, so that its space returns when it is closed, however the process ends. */
export class SpillFile {
  readonly #file: number;
  #size = 0;
  #users = 0;
  #closing = false;

  constructor(directory: string) {
    try {
      mkdirSync(directory, { recursive: true });
      counter += 1;
      const path = join(directory, `rayflight-${process.pid}-${counter}.spill`);
      this.#file = openSync(path, "wx+", 0o600);
      unlinkSync(path);
    } catch (cause) {
      throw diskError(cause);
    }
  }

  /** Writes all of `bytes` from `position` on, or behind all that was written; returns where. Throws OUT_OF_DISK. */
  async write(bytes: Uint8Array, position = this.#size): Promise<number> {
    await this.#use(async () => {
      try {
        for (let done = 0; done < bytes.length; ) {
          const { bytesWritten } = await writeAt(this.#file, bytes, done, bytes.length - done, position + done);
          done += bytesWritten;
        }
      } catch (cause) {
        throw diskError(cause);
      }
    });
    this.#size = Math.max(this.#size, position + bytes.length);
    return position;
  }

  /** Fills all of `target` from `position` on. Throws OBJECT_LOST. */
  async read(target: Uint8Array, position: number): Promise<void> {
    await this.#use(async () => {
      try {
        for (let done = 0; done < target.length; ) {
          const { bytesRead } = await readAt(this.#file, target, done, target.length - done, position + done);
          if (bytesRead === 0) throw new Error("the file ended early");
          done += bytesRead;
        }
      } catch (cause) {
        throw lost(cause instanceof Error ? cause.message : String(cause), cause);
      }
    });
  }

  /** Gives the space from `size` on back. */
  truncate(size: number): void {
    if (!this.#closing) ftruncateSync(this.#file, size);
  }

  /** Closes once the writes and reads in progress are done. */
  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    if (this.#users === 0) closeSync(this.#file);
  }

  async #use(work: () => Promise<void>): Promise<void> {
    if (this.#closing) {
      throw new RayflightError("OBJECT_FREED", "The bytes were released while they were needed.", {
        hint: "Open it again, or write it again.",
      });
    }
    this.#users += 1;
    try {
      await work();
    } finally {
      this.#users -= 1;
      if (this.#closing && this.#users === 0) closeSync(this.#file);
    }
  }
}

/** The error of spilled bytes that did not come back as they were. */
export function lost(why: string, cause?: unknown): RayflightError {
  return new RayflightError("OBJECT_LOST", `Spilled bytes could not be read back: ${why}.`, {
    hint: "Check the disk of the spill directory.",
    cause,
  });
}

function diskError(cause: unknown): RayflightError {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT" || code === "EFBIG") {
    return new RayflightError("OUT_OF_DISK", "The disk of the spill directory is full.", {
      hint: "Free space there, or name another spillDirectory.",
      cause,
    });
  }
  const message = cause instanceof Error ? cause.message : String(cause);
  return new RayflightError("OUT_OF_DISK", `The spill directory cannot be used: ${message}.`, {
    hint: "Name a spillDirectory that can be written.",
    cause,
  });
}
