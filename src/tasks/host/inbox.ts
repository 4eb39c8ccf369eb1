import type { UpMessage } from "../protocol.js";
import type { ActorId, ClientId, CodeId } from "../scheduler/events.js";

/** What the node knows, and so what messages may speak of. */
export interface Known {
  code(code: CodeId): boolean;
  actor(actor: ActorId): boolean;
  /** Whether the thread is there. */
  thread(client: ClientId): boolean;
}

/**
 * The messages of all threads, in the order of each. Handles travel by rings, which may be faster than the messages of the
 * thread that sent them: a message that names code or an actor which its maker's message has not introduced yet waits for
 * that, and so do all of its thread that follow.
 */
export class Inbox {
  readonly #known: Known;
  readonly #take: (client: ClientId, message: UpMessage) => void;
  #held = new Map<ClientId, UpMessage[]>();

  /** `take` gets each message as soon as all that it speaks of is known. */
  constructor(known: Known, take: (client: ClientId, message: UpMessage) => void) {
    this.#known = known;
    this.#take = take;
  }

  receive(client: ClientId, batch: readonly UpMessage[]): void {
    const held = this.#held.get(client);
    if (held !== undefined) {
      held.push(...batch);
      return;
    }
    let news = false;
    for (let i = 0; i < batch.length; i++) {
      const message = batch[i]!;
      if (this.#isAhead(client, message)) {
        this.#held.set(client, batch.slice(i));
        break;
      }
      this.#take(client, message);
      news ||= message.type === "define" || message.type === "create";
    }
    if (news) this.#resume();
  }

  /** A thread has ended: nothing more comes from it that others could wait for. */
  forget(client: ClientId): void {
    this.#held.delete(client);
    this.#resume();
  }

  /** Takes what was held back, as far as that is possible now. */
  #resume(): void {
    const held = this.#held;
    this.#held = new Map();
    for (const [client, batch] of held) this.receive(client, batch);
  }

  #isAhead(client: ClientId, message: UpMessage): boolean {
    const named = namedBy(message);
    if (named === undefined || this.#known[named.kind](named.id)) return false;
    const maker = Math.floor(named.id / 2 ** 32);
    return maker !== client && this.#known.thread(maker);
  }
}

/** The code or actor that a message speaks of, which another thread may have made. */
function namedBy(message: UpMessage): { readonly kind: "code" | "actor"; readonly id: number } | undefined {
  switch (message.type) {
    case "submit":
    case "create":
    case "callee":
      return message.code === undefined ? undefined : { kind: "code", id: message.code };
    case "call":
    case "meet":
    case "kill":
      return { kind: "actor", id: message.actor };
    default:
      return undefined;
  }
}
