import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as after } from "node:timers/promises";

/**
 * Takes the lock of a clone's set-up, waiting for another set-up that holds it; `onWait` is told its process once.
 * Returns the function that gives the lock back. A lock whose process has died is taken over.
 */
export async function takeLock(path, { onWait, signal }) {
  mkdirSync(dirname(path), { recursive: true });
  const mine = JSON.stringify({ pid: process.pid, started: startOf(process.pid) });
  const own = `${path}.${process.pid}`;
  writeFileSync(own, mine);
  try {
    for (let told = false; !tryLink(own, path); ) {
      const holder = read(path);
      if (holder !== undefined && !isAlive(holder)) removeStale(path, holder.text);
      else {
        if (!told && holder !== undefined) onWait(holder.pid);
        told = true;
        await after(200, undefined, { signal });
      }
    }
  } finally {
    rmSync(own, { force: true });
  }
  return () => {
    if (read(path)?.text === mine) rmSync(path, { force: true });
  };
}

/** A hard link appears with its content or not at all, and never over another. */
function tryLink(own, path) {
  try {
    linkSync(own, path);
    return true;
  } catch (reason) {
    if (reason.code === "EEXIST") return false;
    throw reason;
  }
}

function read(path) {
  try {
    const text = readFileSync(path, "utf8");
    return { ...JSON.parse(text), text };
  } catch (reason) {
    if (reason.code === "ENOENT") return undefined;
    throw reason;
  }
}

function isAlive({ pid, started }) {
  try {
    process.kill(pid, 0);
  } catch (reason) {
    return reason.code === "EPERM";
  }
  return started === startOf(pid);
}

/** When a process started, in clock ticks since boot, so that a process number given out twice is told apart. */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return "unknown";
  }
}

/** Of two that find the same stale lock, one renames it; should it get a fresh one instead, it puts that back. */
function removeStale(path, text) {
  const aside = `${path}.stale.${process.pid}`;
  try {
    renameSync(path, aside);
  } catch (reason) {
    if (reason.code === "ENOENT") return;
    throw reason;
  }
  if (readFileSync(aside, "utf8") === text) rmSync(aside);
  else renameSync(aside, path);
}
