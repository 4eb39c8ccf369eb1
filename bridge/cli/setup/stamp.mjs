import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/**
 * A stamp is a small file that says from which inputs something was made. It is written last: where it is missing or
 * says something else, the thing is made again.
 */
export function isStamped(path, inputs) {
  return readStamp(path) === inputs;
}

/** The inputs that a stamp names, or undefined where there is none. */
export function readStamp(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Writes a stamp: all of it or nothing. */
export function stamp(path, inputs) {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, inputs);
  renameSync(temporary, path);
}

/** Takes a file or folder away so that it is there whole or not at all, however long its removal takes. */
export function discard(path, trash) {
  mkdirSync(trash, { recursive: true });
  const grave = join(trash, `discarded-${process.pid}-${Date.now()}`);
  try {
    renameSync(path, grave);
  } catch (reason) {
    if (reason.code === "ENOENT") return;
    throw reason;
  }
  rmSync(grave, { recursive: true, force: true, maxRetries: 3 });
}

/** One hash over the names and the contents of files. */
export function hashFiles(root, names) {
  const hash = createHash("sha256");
  for (const name of [...names].sort()) {
    const content = readFileSync(join(root, name));
    hash.update(`${name}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}

/** The files below folders of root, by name relative to root; `accept` sees that name. Build outputs are left out. */
export function filesBelow(root, folders, accept) {
  const names = [];
  const pending = [...folders];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const entry of entriesOf(join(root, folder))) {
      const name = `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!/^(dist|node_modules|build|__pycache__|fixtures|.*\.egg-info)$/.test(entry.name)) pending.push(name);
      } else if (accept(name)) names.push(name);
    }
  }
  return names;
}

function entriesOf(folder) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (reason) {
    if (reason.code === "ENOENT") return [];
    throw reason;
  }
}
