import { type LineProcess, startProcess } from "../bench/line-process.js";
import { certificates } from "./calls/tls.js";
import { type ServerProcess, startServer } from "./child.js";
import type { IpcFile } from "./ipc-files.js";

/** A program of ours on another implementation's library: the foreign half of our scenarios. */
export interface PeerProgram {
  /** The name of the implementation. */
  name: string;
  /** Answers questions, a JSON list [URI, SCENARIO, FILE] a line, by null or by what is wrong. */
  client: readonly string[];
  /** With a scenario and the folder of the certificates after it: prints its port, and serves until its input ends. Not every peer has one. */
  server?: readonly string[];
  /** Whether it has a scenario. */
  knows(scenario: string): boolean;
  /** Whether its server sends the batches of a file without the app_metadata that they were put with. */
  unmarked?(file: IpcFile): boolean;
}

/** Thrown for what a peer cannot do, whoever talks to it. */
export class NotRun extends Error {}

/** A peer's client that is there for many questions; started anew after one that it did not answer. */
export class PeerClient {
  readonly #command: readonly string[];
  #process: LineProcess | undefined;

  constructor({ client }: Pick<PeerProgram, "client">) {
    this.#command = client;
  }

  /** Throws what the program finds wrong, NotRun for what it cannot do, and an error when it does not answer in time. */
  async ask(uri: string, scenario: string, file: string = certificates, timeoutMs = 120_000): Promise<void> {
    const [program = "", ...args] = this.#command;
    this.#process ??= startProcess(program, args);
    this.#process.write(JSON.stringify([uri, scenario, file]));
    const answer: unknown = JSON.parse(await this.#answerWithin(this.#process, timeoutMs));
    if (answer === null) return;
    const text = String(answer);
    if (text.startsWith("not run: ")) throw new NotRun(text.slice("not run: ".length));
    throw new Error(text.trimEnd());
  }

  async end(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    await process?.end();
  }

  async #answerWithin(process: LineProcess, timeoutMs: number): Promise<string> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`The client did not end within ${timeoutMs} ms.`)), timeoutMs);
    });
    const answer = process.read();
    answer.catch(() => {});
    try {
      return await Promise.race([answer, late]);
    } catch (error) {
      await this.end();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Starts a peer's server for one scenario. */
export async function startPeerServer({ server = [] }: PeerProgram, scenario: string): Promise<ServerProcess> {
  const [program = "", ...args] = server;
  return await startServer(program, [...args, scenario, certificates]);
}
