import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { runProgram, tail } from "./child.js";

/** Thrown when a tool is not installed: what needs it is not run. */
export class MissingTool extends Error {}

/** How a foreign program is built. */
export interface Build {
  tool: string;
  args: readonly string[];
  cwd: string;
  env?: Record<string, string>;
  /** Where to get the tool, and which version is needed. */
  install: string;
}

/** Runs a build. Throws MissingTool without its tool, and an error with the end of what it printed when it fails. */
export async function runBuild({ tool, args, cwd, env = {}, install }: Build): Promise<void> {
  const built = await runProgram(tool, args, { cwd, env, timeoutMs: 40 * 60_000 }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
      throw new MissingTool(`There is no ${tool} on the PATH. Install ${install}.`);
    },
  );
  if (built.code === 0) return;
  throw new Error(
    `${tool} ${args.join(" ")} failed: check the network and the version of ${tool}.\n${tail(built.output)}`,
  );
}

/** Whether `folder` was built from the sources as they are now; `note` it once it has been. */
export function builtFrom(sources: string, folder: string): { fresh: boolean; note(): void } {
  const hash = createHash("sha256");
  for (const name of readdirSync(sources, { recursive: true, encoding: "utf8" }).sort()) {
    const file = path.join(sources, name);
    if (path.extname(name) !== "") hash.update(name).update(readFileSync(file));
  }
  const digest = hash.digest("hex");
  const stamp = path.join(folder, "built-from");
  return {
    fresh: existsSync(stamp) && readFileSync(stamp, "utf8") === digest,
    note() {
      mkdirSync(folder, { recursive: true });
      writeFileSync(stamp, digest);
    },
  };
}
