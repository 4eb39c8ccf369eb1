import { ObjectStore } from "../../src/store/index.js";
import type { Definition } from "../../src/tasks/closures/definition.js";
import { createPlace } from "../../src/tasks/host/place.js";
import type { WorkerEvents } from "../../src/tasks/host/supervisor.js";
import { TaskHost } from "../../src/tasks/host/task-host.js";
import type { ClientMessage, DownMessage, UpMessage } from "../../src/tasks/protocol.js";
import type { ClientId, WorkerId } from "../../src/tasks/scheduler/events.js";
import { unit } from "../../src/tasks/scheduler/resources.js";

/** The driver's number. */
export const driver = 0;

/** The code that `PuppetHost` makes known at first. */
export const code = 1;

const definition: Definition = { nodes: [], values: undefined };
const oneCpu = { cpus: unit, gpus: 0 };
const noCpu = { cpus: 0, gpus: 0 };

interface Puppet extends WorkerEvents {
  readonly words: SharedArrayBuffer;
  /** Whether it was told to end. */
  stopped: boolean;
}

/**
 * A host whose threads are the test's: each does only what the test says, when it says so. So orders of messages can be played
 * that real threads seldom show.
 */
export class PuppetHost {
  readonly host: TaskHost;
  readonly #workers = new Map<WorkerId, Puppet>();
  readonly #received = new Map<ClientId, DownMessage[]>([[driver, []]]);
  readonly #toDriver: (batch: readonly UpMessage[]) => void;

  constructor({ cpus = 1 } = {}) {
    this.host = new TaskHost({
      place: createPlace({}),
      total: { cpus: cpus * unit, gpus: 0 },
      memory: new ObjectStore({ memory: 1 << 24, spillLimit: 0, spillDirectory: "/nowhere" }),
      supervisor: {
        start: (worker, _claims, words, events) => {
          const puppet: Puppet = { ...events, words, stopped: false };
          this.#workers.set(worker, puppet);
          this.#received.set(worker, []);
          const send = (batch: readonly DownMessage[]) => this.#received.get(worker)!.push(...batch);
          return { send, stop: () => Object.assign(puppet, { stopped: true }) };
        },
        close: async () => {},
      },
    });
    const { receive } = this.host.connect((batch) => this.#received.get(driver)!.push(...batch), { boards: true });
    this.#toDriver = receive;
    this.send(driver, { type: "define", code, definition });
  }

  /** A thread sends messages. */
  send(from: ClientId, ...batch: UpMessage[]): void {
    if (from === driver) this.#toDriver(batch);
    else this.worker(from).receive(batch);
  }

  /** What a thread was sent since this was asked last, of one type. */
  take<T extends DownMessage["type"]>(client: ClientId, type: T): (DownMessage & { type: T })[] {
    const all = this.#received.get(client)!;
    const found = all.filter((message): message is DownMessage & { type: T } => message.type === type);
    this.#received.set(
      client,
      all.filter((message) => message.type !== type),
    );
    return found;
  }

  worker(id: WorkerId): Puppet {
    return this.#workers.get(id)!;
  }

  /** The threads that were started so far. */
  get workers(): WorkerId[] {
    return [...this.#workers.keys()];
  }
}

/** A task of one CPU. */
export function submit(
  task: number,
  args: (ClientMessage & { type: "submit" })["args"] = [],
): ClientMessage & { type: "submit" } {
  const options = { maxRetries: 1, retryExceptions: false, parent: undefined };
  return { type: "submit", task, code, name: "f", args, demand: oneCpu, ...options };
}

/** An actor that needs nothing. */
export function create(
  actor: number,
  options: Partial<ClientMessage & { type: "create" }> = {},
): ClientMessage & { type: "create" } {
  const traits = { limits: [1], shared: false, maxRestarts: 0, detached: false, parent: undefined };
  return { type: "create", actor, code, className: "A", args: [], demand: noCpu, ...traits, ...options };
}

/** A call that goes by the node. */
export function call(
  task: number,
  actor: number,
  args: (ClientMessage & { type: "call" })["args"] = [],
): ClientMessage & { type: "call" } {
  const options = { group: 0, maxTaskRetries: 0, tell: false, parent: undefined };
  return { type: "call", task, actor, name: "A.m", method: "m", args, ...options };
}

/** A value that lies in shared memory. */
export function largeValue(): { readonly value: { readonly bytes: Uint8Array } } {
  return { value: { bytes: new Uint8Array(new SharedArrayBuffer(1 << 16)) } };
}
