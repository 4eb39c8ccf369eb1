import { RayflightError } from "../error.js";
import type { ActorControl } from "./actor-handle.js";
import type { ClientArguments } from "./client-arguments.js";
import type { ClientCodec } from "./client-codec.js";
import type { LocalHandles } from "./client-handles.js";
import type { ClientObjects } from "./client-objects.js";
import { runningTask } from "./context.js";
import type { ActorRecord, RemoteCode } from "./live.js";
import type { FilledActorOptions } from "./options.js";
import type { Outbox } from "./outbox.js";
import type { ClientMessage } from "./protocol.js";
import { type ActorName, type Answers, askNode, type Question } from "./questions.js";

export interface ClientActorsOptions {
  readonly objects: ClientObjects;
  readonly codec: ClientCodec;
  readonly handles: LocalHandles;
  readonly args: ClientArguments;
  readonly outbox: Outbox<ClientMessage>;
}

/** Makes actors and finds them by name. Names are the node's: this thread blocks for a moment while it asks. */
export class ClientActors {
  readonly #options: ClientActorsOptions;

  constructor(options: ClientActorsOptions) {
    this.#options = options;
  }

  create(
    code: RemoteCode,
    methods: readonly string[],
    args: readonly unknown[],
    options: FilledActorOptions,
  ): ActorControl {
    const { objects, codec, handles, outbox } = this.#options;
    const { className, name, namespace, demand, maxRestarts, shared, detached } = options;
    const message = { code: codec.codeId(code), className, args: this.#options.args.packForNode(className, args) };
    const actor = objects.base + objects.takeNumber();
    const { maxTaskRetries, maxPendingCalls, concurrencyGroups } = options;
    const groups = Object.keys(concurrencyGroups);
    const calls = { maxTaskRetries, maxPendingCalls, groups, methods: options.methods };
    const handle: ActorRecord = { kind: "actor", actor, className, methods, calls };
    if (name !== undefined) {
      const holder = this.#ask({ kind: "claim", name, namespace, handle });
      if (holder !== null) this.#options.args.dropNamed();
      if (holder !== null && options.getIfExists) return handles.adopt(holder);
      if (holder !== null) throw nameTaken(name, namespace);
    }
    const parent = runningTask()?.task;
    const limits = [options.maxConcurrency, ...Object.values(concurrencyGroups)];
    const traits = { limits, maxRestarts, shared, detached };
    outbox.push({ type: "create", actor, ...message, demand, ...traits, parent });
    this.#options.args.dropNamed();
    return handles.adopt(handle);
  }

  /** Throws NOT_FOUND. */
  find(name: string, namespace: string | undefined): ActorControl {
    const found = this.#ask({ kind: "find", name, namespace });
    if (found !== null) return this.#options.handles.adopt(found);
    throw new RayflightError("NOT_FOUND", `There is no actor with the name ${JSON.stringify(name)}.`, {
      hint: "Look at listNamedActors({ allNamespaces: true }); the name of an actor is free again when it is dead.",
    });
  }

  /** The names that actors have: in the session's namespace, or everywhere. */
  list(everywhere: boolean): ActorName[] {
    return this.#ask({ kind: "list", everywhere });
  }

  #ask<K extends Question["kind"]>(question: Extract<Question, { kind: K }>): Answers[K] {
    const { outbox } = this.#options;
    return askNode<K>(question, (asked, answer) => {
      outbox.push({ type: "ask", question: asked, answer });
      outbox.flush();
    });
  }
}

/** The error of who makes an actor with a name that another one has. */
function nameTaken(name: string, namespace: string | undefined): RayflightError {
  const where = namespace === undefined ? "" : ` in the namespace ${JSON.stringify(namespace)}`;
  return new RayflightError("ALREADY_EXISTS", `Another actor has the name ${JSON.stringify(name)}${where}.`, {
    hint: "Use that one with getActor or getIfExists: true, kill it first, or give another name.",
  });
}
