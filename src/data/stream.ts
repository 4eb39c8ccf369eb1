import { readBatchHeader } from "../arrow/index.js";
import { RayflightError } from "../error.js";
import type { Catalog } from "./catalog.js";
import type { DatasetInfo, StreamWriter } from "./dataset.js";
import type { Part } from "./part.js";
import type { Version } from "./version.js";

/** Grows a version of one part. Appends form a chain: the first that fails ends the stream, so that it never has a hole. */
export class GrowingStream implements StreamWriter {
  readonly #catalog: Catalog;
  readonly #version: Version;
  readonly #part: Part;
  /** Resolves when nothing more will be appended. */
  readonly ended: Promise<void>;
  #resolveEnded!: () => void;
  #chain: Promise<void> = Promise.resolve();
  #ended = false;

  constructor(catalog: Catalog, version: Version, part: Part) {
    this.#catalog = catalog;
    this.#version = version;
    this.#part = part;
    // Readers of what a stream had keep its part until it has ended, too.
    catalog.hold(version);
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  get info(): DatasetInfo {
    return this.#version.info;
  }

  async append({ header, body }: { header: Uint8Array; body: Uint8Array }): Promise<void> {
    this.#requireOpen();
    const { kind, rows } = readBatchHeader(header, body);
    await this.#then(async () => {
      const { arena } = this.#part;
      const region = await arena.allocate(body.length);
      region.set(body);
      const place = arena.locate(region)!;
      this.#part.add(kind, rows, header, place);
      arena.complete(region);
      this.#version.changed();
      this.#catalog.record(this.#version);
    });
  }

  async close(): Promise<void> {
    this.#requireOpen();
    this.#ended = true;
    await this.#then(() => this.#end("sealed"));
  }

  fail(reason: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#then(() => this.#end("failed", reason)).catch(() => {});
  }

  #then(step: () => Promise<void> | void): Promise<void> {
    this.#chain = this.#chain.then(step).catch((reason) => {
      this.#ended = true;
      this.#end("failed", reason);
      throw reason;
    });
    return this.#chain;
  }

  #end(state: "sealed" | "failed", reason?: unknown): void {
    if (this.#version.state !== "streaming") return;
    this.#version.state = state;
    if (state === "failed") this.#version.error = RayflightError.from(reason);
    this.#part.arena.seal();
    this.#version.changed();
    this.#catalog.record(this.#version);
    this.#catalog.letGo(this.#version);
    this.#resolveEnded();
  }

  #requireOpen(): void {
    if (!this.#ended) return;
    if (this.#version.error !== undefined) throw this.#version.error;
    throw new RayflightError("FAILED_PRECONDITION", `The stream "${this.#version.name}" was ended before.`, {
      hint: "Append before close().",
    });
  }
}
