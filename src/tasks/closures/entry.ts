import { realpathSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { isMainThread } from "node:worker_threads";

const state: { entry: string | undefined } = { entry: undefined };

/**
 * The URL of the script that this process was started with. Workers must not import it: that would run the whole program
 * again in each of them, so what it exports travels by value.
 */
export function entryUrl(): string | undefined {
  // A worker thread has no entry script of its own: it gets the program's functions from the driver.
  if (isMainThread) state.entry ??= urlOf(process.argv[1]);
  return state.entry;
}

/** Says which script is the entry, where it was not started by `node script.js` but imported by a program that runs it. */
export function setEntryUrl(url: string): void {
  state.entry = url;
}

function urlOf(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return pathToFileURL(realpathSync(path)).href;
  } catch {
    return undefined;
  }
}
