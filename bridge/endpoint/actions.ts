import type { ActionType } from "arrow-flight-node";
import { decapsulateSchema } from "arrow-flight-node/ipc";
import type { ControlStore } from "../../src/control/index.js";
import type { DatasetInfo, DatasetRegistry, SealMode, SealRequest } from "../../src/data/index.js";
import { RayflightError } from "../../src/error.js";
import type { ObjectStore } from "../../src/store/index.js";
import { requireTable } from "./state-table.js";
import { asObject, parseJson, readCount, readString, readVersion, toJson } from "./wire.js";

/** What the actions act on. */
export interface ActionRooms {
  registry: DatasetRegistry;
  control: ControlStore;
  store: ObjectStore;
  /** The session's timeline, as pieces of text. */
  timeline(): AsyncIterable<string>;
}

type Body = Readonly<Record<string, unknown>>;

interface ActionHandler {
  description: string;
  run(body: Body, rooms: ActionRooms): unknown;
}

const sealModes: readonly string[] = ["append", "overwrite", "errorifexists", "ignore"] satisfies SealMode[];

/** Every action of the endpoint. Each takes one JSON object and answers with one. */
const actions: Readonly<Record<string, ActionHandler>> = {
  seal: {
    description:
      'Makes a transaction\'s parts visible at once: {"transaction","dataset","mode","schema"?,"parts":[{"part","attempt","rows"}]}.',
    run: (body, { registry }) => registry.seal(readSeal(body)),
  },
  abort: {
    description: 'Drops a transaction\'s parts; does nothing once it is sealed: {"transaction"}.',
    run: (body, { registry }) => registry.abort(readString(body, "transaction", "abort")),
  },
  exists: {
    description: 'Says whether a dataset is visible: {"dataset"}.',
    run: (body, { registry }) => ({ exists: registry.exists(readString(body, "dataset", "exists")) }),
  },
  describe: {
    description: 'Describes one dataset: {"dataset","version"?}.',
    run: (body, { registry }) =>
      summary(registry.describe(readString(body, "dataset", "describe"), readVersion(body, "describe"))),
  },
  list: {
    description: "Describes every dataset.",
    run: (_, { registry }) => ({ datasets: registry.list().map(summary) }),
  },
  drop: {
    description: 'Removes a dataset; readers that have it open keep it: {"dataset"}.',
    run: (body, { registry }) => ({ dropped: registry.remove(readString(body, "dataset", "drop")) }),
  },
  state: {
    description: 'Reads a state table as JSON rows: {"table"}. The path ["state", table] reads it as Arrow.',
    run: async (body, { control }) => ({ rows: await control.list(requireTable(readString(body, "table", "state"))) }),
  },
  status: {
    description: "Says what the object store holds, which datasets there are, and which transactions are open.",
    run: (_, { registry, store }) => ({
      store: store.usage(),
      datasets: registry.list().map(summary),
      transactions: registry.openTransactions(),
    }),
  },
};

function readSeal(body: Body): SealRequest {
  const what = "seal";
  const mode = readString(body, "mode", what);
  if (!sealModes.includes(mode)) {
    throw new RayflightError("INVALID_ARGUMENT", `The seal's mode is "${mode}".`, {
      hint: `Use one of ${sealModes.join(", ")}.`,
    });
  }
  if (!Array.isArray(body.parts)) {
    throw new RayflightError("INVALID_ARGUMENT", 'The seal has no valid "parts".', {
      hint: 'Give "parts" as a list of {"part", "attempt", "rows"}.',
    });
  }
  const schema = body.schema === undefined ? undefined : readString(body, "schema", what);
  return {
    transaction: readString(body, "transaction", what),
    dataset: readString(body, "dataset", what),
    mode: mode as SealMode,
    schema: schema === undefined ? undefined : decapsulateSchema(Buffer.from(schema, "base64")),
    parts: body.parts.map(readSealedPart),
  };
}

function readSealedPart(value: unknown): SealRequest["parts"][number] {
  const what = "seal's part";
  const part = asObject(value, what);
  return {
    part: readString(part, "part", what),
    attempt: readCount(part, "attempt", what),
    rows: readCount(part, "rows", what),
  };
}

function summary(info: DatasetInfo): object {
  return {
    dataset: info.name,
    version: info.version,
    state: info.state,
    rows: info.rows,
    bytes: info.bytes,
    parts: info.parts.length,
    ...(info.error === undefined ? {} : { error: info.error.message }),
  };
}

/** The action that answers with many bodies: pieces of one text. */
export const timelineAction: ActionType = {
  type: "timeline",
  description:
    "Writes the session's timeline as JSON in the Trace Event Format: the bodies, one after the other, are the file.",
};

/** The actions as ListActions shows them. */
export function listActions(): ActionType[] {
  return [...Object.entries(actions).map(([type, { description }]) => ({ type, description })), timelineAction];
}

/** Runs one action and returns its JSON reply. Throws NOT_FOUND, naming those there are, for an unknown one. */
export async function runAction(type: string, body: Uint8Array, rooms: ActionRooms): Promise<Uint8Array> {
  const action = Object.hasOwn(actions, type) ? actions[type] : undefined;
  if (action === undefined) {
    throw new RayflightError("NOT_FOUND", `There is no action "${type}".`, {
      hint: `Use one of ${listActions()
        .map((action) => action.type)
        .join(", ")}.`,
    });
  }
  return toJson(await action.run(body.length === 0 ? {} : parseJson(body, `body of "${type}"`), rooms));
}
