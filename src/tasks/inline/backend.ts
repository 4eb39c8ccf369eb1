import type { ControlStore } from "../../control/index.js";
import { RayflightError } from "../../error.js";
import type { Backend } from "../backend.js";
import { TaskClient } from "../client.js";
import { loadEncode } from "../closures/load-encode.js";
import { createPlace } from "../host/place.js";
import { TaskHost } from "../host/task-host.js";
import { Outbox } from "../outbox.js";
import type { ClientMessage, ClientReply, DownMessage } from "../protocol.js";
import type { Loaded } from "../runner.js";
import type { CodeId } from "../scheduler/events.js";
import { toCustom, toUnits } from "../scheduler/resources.js";
import { InlineCodec } from "./codec.js";
import { InlineSupervisor } from "./supervisor.js";

export interface InlineBackendOptions {
  /** How many CPUs the node pretends to have: tasks that await overlap up to this number. 1 by default. */
  cpus?: number;
  gpus?: number;
  /** Custom resources by name. */
  resources?: Readonly<Record<string, number>>;
  control?: ControlStore;
  /** Where the names of actors are looked for that come without a namespace. */
  namespace?: string | undefined;
}

/** The inline backend, and what is to be seen of it: there is no node thread to ask. */
export interface InlineBackend extends Backend {
  readonly host: TaskHost;
  /** Where its rows are. */
  readonly control: ControlStore | undefined;
}

/**
 * Runs everything on this thread, for debugging: breakpoints hit, stacks go through. Tasks begin on a microtask after they
 * were submitted. Arguments and results are copied as between threads; functions are the originals, but are checked for
 * being able to travel.
 */
export function createInlineBackend(options: InlineBackendOptions = {}): InlineBackend {
  const targets = new Map<CodeId, Loaded>();
  const supervisor = new InlineSupervisor(() => ({ client, codec: codec!, load: (code) => targets.get(code)! }));
  const { cpus = 1, gpus = 0, resources } = options;
  const host = new TaskHost({
    place: createPlace({ namespace: options.namespace }),
    total: { cpus: toUnits("cpus", cpus), gpus: toUnits("gpus", gpus), custom: toCustom(resources) },
    supervisor,
    // It would begin on top of a task that waits for another one.
    ahead: false,
    memory: undefined,
    control: options.control,
  });
  const send = (batch: readonly DownMessage[]) => {
    for (const reply of batch) client.receive(reply as ClientReply);
  };
  const { welcome, receive } = host.connect(send, { boards: false });
  const outbox = new Outbox<ClientMessage>(receive);
  let codec: InlineCodec | undefined;
  const client: TaskClient = new TaskClient({
    kind: "inline",
    welcome,
    outbox,
    workUntil: (look, until) => {
      for (;;) {
        const isSent = outbox.isEmpty;
        outbox.flush();
        if (look()) return true;
        if (performance.now() >= until) return false;
        if (supervisor.deliver() || !isSent) continue;
        // Nothing more happens, whatever the time.
        if (until < Number.POSITIVE_INFINITY) return false;
        throw standsStill();
      }
    },
    define: (code, id, codec) => {
      targets.set(id, code.target as Loaded);
      return loadEncode().encodeCode(code.target!, codec);
    },
    createCodec: (parts) => {
      codec = new InlineCodec(parts);
      return codec;
    },
    close: () => host.close(),
  });
  return Object.assign(client, { host, control: options.control });
}

function standsStill(): RayflightError {
  return new RayflightError("FAILED_PRECONDITION", "getSync() waits for something asynchronous.", {
    hint: "With `debug: true` all runs on one thread, which getSync() keeps: use `await get(ref)`, or run without debug.",
  });
}
