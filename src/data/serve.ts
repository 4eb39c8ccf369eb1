import { type Bus, serveMethods } from "../control/index.js";
import { RayflightError } from "../error.js";
import type { Lease, PartWriter, StreamWriter } from "./dataset.js";
import type { DataMethods, Handle } from "./methods.js";
import type { DatasetRegistry } from "./registry.js";

/**
 * Serves a driver or a worker on the node thread. What it opened is released, what it did not seal is dropped and its
 * streams fail when its bus closes.
 */
export function serveData(bus: Bus, registry: DatasetRegistry): void {
  const leases = new Held<Lease>("lease");
  const streams = new Held<StreamWriter>("stream");
  const writers = new Held<PartWriter>("part");
  const transactions = new Set<string>();

  void bus.closed.then((reason) => {
    for (const lease of leases.takeAll()) lease.release();
    for (const stream of streams.takeAll()) {
      stream.fail(
        new RayflightError("UNAVAILABLE", `The writer of the stream "${stream.info.name}" ended before it closed it.`, {
          hint: "Run it again; what it had written can be read.",
          cause: reason,
        }),
      );
    }
    for (const transaction of transactions) registry.abort(transaction);
  });

  serveMethods<DataMethods>(bus, {
    "data.open": async ({ name, version }, { signal }) => {
      const held = registry.open(name, version);
      const lease = leases.add(held);
      try {
        const loaded = await held.load();
        signal.throwIfAborted();
        return { lease, info: held.info, loaded };
      } catch (reason) {
        leases.take(lease)?.release();
        throw reason;
      }
    },
    "data.release": (lease) => leases.take(lease)?.release(),
    "data.describe": ({ name }) => registry.describe(name),
    "data.waitFor": ({ name }, { signal }) => registry.waitFor(name, { signal }),
    "data.exists": ({ name }) => registry.exists(name),
    "data.list": () => registry.list(),
    "data.remove": ({ name }) => registry.remove(name),
    "data.follow": ({ name, version }, { signal }) => registry.follow(name, { version, signal }),
    "data.createStream": ({ name, schema }) => streams.add(registry.createStream(name, schema)),
    "data.append": ({ owner, header, body }) => streams.get(owner).append({ header, body }),
    "data.closeStream": async (stream) => await streams.take(stream)?.close(),
    "data.failStream": ({ stream, error }) => streams.take(stream)?.fail(RayflightError.fromRecord(error)),
    "data.stage": ({ dataset, transaction, schema }) => {
      const writer = registry.stage({ dataset, transaction, part: "0", attempt: 0, schema });
      transactions.add(transaction);
      return writers.add(writer);
    },
    "data.put": async ({ owner, header, body }) => {
      const writer = writers.get(owner);
      const region = await writer.allocate(body.length);
      region.set(body);
      writer.append({ header, body: region });
    },
    "data.finish": ({ writer, rows }) => void writers.take(writer)?.finish(rows),
    "data.seal": (request) => {
      const result = registry.seal(request);
      transactions.delete(request.transaction);
      return result;
    },
    "data.abort": ({ transaction }) => {
      transactions.delete(transaction);
      registry.abort(transaction);
    },
  });
}

/** What one bus holds on the node, by the handle that the other thread knows. */
class Held<T> {
  readonly #kind: string;
  readonly #items = new Map<Handle, T>();
  #next = 1;

  constructor(kind: string) {
    this.#kind = kind;
  }

  add(item: T): Handle {
    const handle = this.#next++;
    this.#items.set(handle, item);
    return handle;
  }

  get(handle: Handle): T {
    const item = this.#items.get(handle);
    if (item !== undefined) return item;
    throw new RayflightError("FAILED_PRECONDITION", `The ${this.#kind} was closed before.`, {
      hint: "Use it before closing it.",
    });
  }

  take(handle: Handle): T | undefined {
    const item = this.#items.get(handle);
    this.#items.delete(handle);
    return item;
  }

  takeAll(): T[] {
    const items = [...this.#items.values()];
    this.#items.clear();
    return items;
  }
}
