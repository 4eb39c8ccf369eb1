import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { RayflightError } from "../../src/error.js";
import { currentViews } from "./views.js";

/** Where `timeline` writes. */
export interface TimelineOptions {
  /** The file, such as `timeline.json`; it is written over. */
  file: string;
}

/**
 * Writes what ran where and when in this session to a file in Chrome's Trace Event Format, which Perfetto (ui.perfetto.dev), speedscope and
 * chrome://tracing show: each attempt at a task on its worker's thread, arrows from tasks to those they submitted, and the
 * ends of threads. It is written as it is made, so that it takes little memory however long the session was.
 *
 * Throws FAILED_PRECONDITION where the session has no node, and what writing the file throws.
 */
export async function timeline({ file }: TimelineOptions): Promise<void> {
  const views = currentViews();
  if (views === undefined) {
    throw new RayflightError("FAILED_PRECONDITION", "This session has no node, so it has no timeline.", {
      hint: "Start it with `await ray.init()`.",
    });
  }
  await pipeline(Readable.from(views.timeline()), createWriteStream(file));
}
