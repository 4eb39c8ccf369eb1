import { parentPort } from "node:worker_threads";
import type { Input } from "./damage.js";
import { roomNamed } from "./rooms.js";

/** What a thread is asked, and what it answers: a crash is anything but a FlightError. */
export interface Question {
  readonly room: string;
  readonly input: Input;
}

parentPort!.on("message", async ({ room, input }: Question) => {
  try {
    parentPort!.postMessage({ answer: await roomNamed(room).judge(input) });
  } catch (reason) {
    parentPort!.postMessage({ crash: reason instanceof Error ? (reason.stack ?? reason.message) : String(reason) });
  }
});
