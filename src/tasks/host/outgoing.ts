import type { DownMessage } from "../protocol.js";
import type { ClientId } from "../scheduler/events.js";

/** What is to be sent, by receiver: all that comes of one batch of events leaves as one message to each. */
export class Outgoing {
  readonly #senders = new Map<ClientId, (batch: readonly DownMessage[]) => void>();
  readonly #batches = new Map<ClientId, DownMessage[]>();

  connect(client: ClientId, send: (batch: readonly DownMessage[]) => void): void {
    this.#senders.set(client, send);
  }

  disconnect(client: ClientId): void {
    this.#senders.delete(client);
    this.#batches.delete(client);
  }

  push(client: ClientId, message: DownMessage): void {
    const batch = this.#batches.get(client);
    if (batch === undefined) this.#batches.set(client, [message]);
    else batch.push(message);
  }

  flush(): void {
    for (const [client, batch] of this.#batches) this.#senders.get(client)?.(batch);
    this.#batches.clear();
  }
}
