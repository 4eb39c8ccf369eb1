import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type IpcMessage, joinStream } from "arrow-flight-node/ipc";
import { startProcess } from "../bench/line-process.js";
import { type IpcFile, python, pythonProgram } from "./ipc-files.js";

/** Throws unless pyarrow reads the messages as the same data as the file's. */
export type Same = (file: IpcFile, messages: Iterable<IpcMessage>) => Promise<void>;

/** A pyarrow that compares streams with files, value by value. */
export function startComparer(): { same: Same; end(): Promise<void> } {
  const folder = mkdtempSync(path.join(tmpdir(), "conformance-"));
  const program = startProcess(python, [pythonProgram("compare.py")]);
  return {
    async same({ file }, messages) {
      const stream = path.join(folder, "got.arrows");
      writeFileSync(stream, Buffer.concat([...joinStream(messages)]));
      program.write(JSON.stringify([file, stream]));
      const objection: unknown = JSON.parse(await program.read());
      if (objection !== null) throw new Error(String(objection));
    },
    async end() {
      await program.end();
      rmSync(folder, { recursive: true });
    },
  };
}
