import { parentPort, workerData } from "node:worker_threads";
import { createBus } from "../../control/bus.js";
import type { BoardRunner } from "../board-runner.js";
import { reviveCode } from "../closures/revive.js";
import { setContext } from "../context.js";
import { sendOutput } from "../logs/worker-output.js";
import { Outbox } from "../outbox.js";
import {
  busMethods,
  type ClientMessage,
  type DownMessage,
  isReply,
  type UpMessage,
  type WorkerCommand,
  type WorkerMessage,
} from "../protocol.js";
import { TaskRunner } from "../runner.js";
import { createBusClient, loudly } from "./bus-client.js";
import type { WorkerStart } from "./supervisor.js";

/** A worker thread: runs what the node tells it to, and can submit tasks itself. */
const { welcome, claims, output } = workerData as WorkerStart;
if (output !== undefined) sendOutput(output);
// A thread loads what it runs: every module takes each of them a moment. Before the bus is there, on which messages wait.
const boardRunner = claims ? await import("../board-runner.js") : undefined;
const bus = createBus(parentPort!, { keepAlive: true });
// One outbox for both halves: the order of all messages is the order in which they were made.
const outbox = new Outbox<UpMessage>((batch) => bus.notify(busMethods.batch, batch));
const client = createBusClient(bus, welcome, { outbox: outbox as unknown as Outbox<ClientMessage> });
const runner: TaskRunner = new TaskRunner({
  client,
  words: welcome.words,
  outbox: outbox as unknown as Outbox<WorkerMessage>,
  load: (_code, definition) => reviveCode(definition, client.codec),
  others: () => boards,
});
const boards: BoardRunner | undefined =
  boardRunner &&
  new boardRunner.BoardRunner({
    worker: welcome.client,
    words: welcome.words!,
    outbox: outbox as unknown as Outbox<WorkerMessage>,
    client,
    load: async (code) => await runner.load(code),
    loadedOf: (code) => runner.loadedOf(code),
    onStop: () => runner.stopped(),
    onGo: () => runner.wentOn(),
  });
bus.serve({
  [busMethods.batch]: loudly((batch: readonly DownMessage[]) => {
    const commands: WorkerCommand[] = [];
    const boardCommands: Parameters<BoardRunner["receive"]>[0][] = [];
    for (const message of batch) {
      if (isReply(message)) client.receive(message);
      else if (message.type === "claim" || message.type === "disclaim" || message.type === "callee") {
        boardCommands.push(message);
      } else commands.push(message);
    }
    for (const command of commands) if (command.type === "cancel") boards?.cancel(command.task, command.recursive);
    // Definitions first: what a callee names may have come with it.
    runner.receive(commands);
    for (const command of boardCommands) boards?.receive(command);
  }),
});
setContext({ backend: client, bus, worker: welcome.client });
outbox.push({ type: "started" });
