import type { FlightDataOut, FlightDescriptor, FlightInfo } from "arrow-flight-node";
import { encapsulateSchema } from "arrow-flight-node/ipc";
import type { ControlStore } from "../../src/control/index.js";
import type { DatasetInfo, DatasetRegistry } from "../../src/data/index.js";
import { readState, requireTable, stateSchema } from "./state-table.js";
import { type InfoTarget, readInfoTarget, readTicket, type Ticket, writeTicket } from "./wire.js";

/** Describes a dataset's newest version as ListFlights shows it. */
export function listed(info: DatasetInfo): FlightInfo {
  return describe(info, { type: "path", path: info.name.split("/") }, false);
}

/**
 * Answers GetFlightInfo: one endpoint a part of a sealed dataset, one for a stream. A stream's ticket is a snapshot of
 * what it has now, unless the command asks to follow. The version described stays readable for a while, so that
 * readers who plan first and read later see one version.
 */
export function flightInfo(registry: DatasetRegistry, descriptor: FlightDescriptor): FlightInfo {
  const target = readInfoTarget(descriptor);
  if (target.kind === "state") {
    const schema = encapsulateSchema(stateSchema(requireTable(target.table)));
    return { schema, descriptor, endpoints: [{ ticket: writeTicket(target) }], totalRecords: -1, totalBytes: -1 };
  }
  return describe(registry.reserve(target.dataset, target.version), descriptor, target.follow);
}

/** Answers GetSchema: the schema as an encapsulated IPC message. */
export function schema(registry: DatasetRegistry, descriptor: FlightDescriptor): Uint8Array {
  const target: InfoTarget = readInfoTarget(descriptor);
  if (target.kind === "state") return encapsulateSchema(stateSchema(requireTable(target.table)));
  return encapsulateSchema(registry.describe(target.dataset, target.version).schema);
}

function describe(info: DatasetInfo, descriptor: FlightDescriptor, follow: boolean): FlightInfo {
  return {
    schema: encapsulateSchema(info.schema),
    descriptor,
    endpoints: ticketsOf(info, follow).map((ticket) => ({ ticket: writeTicket(ticket) })),
    totalRecords: follow ? -1 : info.rows,
    totalBytes: follow ? -1 : info.bytes,
    ordered: true,
  };
}

function ticketsOf(info: DatasetInfo, follow: boolean): Ticket[] {
  const dataset = info.name;
  if (follow) return [{ kind: "follow", dataset }];
  if (info.state === "sealed") {
    return info.parts.map((_, part) => ({ kind: "part", dataset, version: info.version, part }));
  }
  const messages = info.parts.reduce((sum, part) => sum + part.messages, 0);
  return [{ kind: "snapshot", dataset, version: info.version, messages }];
}

/** Answers DoGet: the schema, then every message as it was received; nothing is decoded on the way. */
export async function* get(
  registry: DatasetRegistry,
  control: ControlStore,
  ticketBytes: Uint8Array,
  signal: AbortSignal,
): AsyncGenerator<FlightDataOut> {
  const ticket = readTicket(ticketBytes);
  switch (ticket.kind) {
    case "state":
      yield* readState(control, requireTable(ticket.table));
      return;
    case "follow":
      yield { header: registry.describe(ticket.dataset).schema };
      yield* registry.follow(ticket.dataset, { signal });
      return;
    case "snapshot": {
      yield { header: registry.describe(ticket.dataset, ticket.version).schema };
      let left = ticket.messages;
      if (left === 0) return;
      for await (const message of registry.follow(ticket.dataset, { live: false, version: ticket.version, signal })) {
        yield message;
        if (--left === 0) return;
      }
      return;
    }
    case "part": {
      const lease = registry.open(ticket.dataset, ticket.version);
      try {
        yield { header: lease.info.schema };
        yield* lease.read(ticket.part);
      } finally {
        lease.release();
      }
    }
  }
}
