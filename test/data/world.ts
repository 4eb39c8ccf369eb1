import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ExecutionContext } from "ava";
import {
  batchEncoder,
  batchFromColumns,
  type ColumnKind,
  decodeBatches,
  decodeSchema,
  encodeSchema,
  numericColumn,
  schemaOf,
} from "../../src/arrow/index.js";
import { createMemoryControlStore } from "../../src/control/index.js";
import { DatasetRegistry, type PartWriter, type SealMode, type StoredBatch } from "../../src/data/index.js";
import { ObjectStore } from "../../src/store/index.js";

export const KiB = 1024;
export const MiB = 1024 * KiB;

/** A store and a registry whose clock the test moves. */
export function makeWorld(t: ExecutionContext, options: { memory?: number; spillLimit?: number } = {}) {
  const spillDirectory = mkdtempSync(join(tmpdir(), "rayflight-data-"));
  const control = createMemoryControlStore();
  const store = new ObjectStore({
    memory: options.memory ?? 64 * MiB,
    spillLimit: options.spillLimit ?? 64 * MiB,
    spillDirectory,
  });
  const clock = { now: 1000 };
  const registry = new DatasetRegistry(store, control, {
    transactionTtlMs: 60_000,
    reservationMs: 10_000,
    now: () => clock.now,
  });
  t.teardown(() => {
    registry.close();
    store.close();
    rmSync(spillDirectory, { recursive: true, force: true });
  });
  return { store, registry, control, clock, spilledFiles: () => readdirSync(spillDirectory) };
}

export type World = ReturnType<typeof makeWorld>;

/** The schema message of declared columns. */
export function schemaMessage(columns: Record<string, ColumnKind>, metadata: Record<string, string> = {}): Uint8Array {
  return encodeSchema(schemaOf(columns, metadata));
}

export const ids = { id: "int32" } as const;
export const idSchema = schemaMessage(ids);

/** One message of `ids`. */
export function idMessage(values: readonly number[]) {
  return batchEncoder()(batchFromColumns({ id: values }, schemaOf(ids)))[0]!;
}

/** Receives a message as an endpoint does: into the store's memory. */
export async function receive(writer: PartWriter, message: { header: Uint8Array; body: Uint8Array }): Promise<void> {
  const region = await writer.allocate(message.body.length);
  region.set(message.body);
  writer.append({ header: message.header, body: region });
}

export interface PutOptions {
  dataset?: string;
  transaction?: string;
  part?: string;
  attempt?: number;
}

export function stage({ registry }: World, options: PutOptions = {}, schema = idSchema): PartWriter {
  const { dataset = "d", transaction = "t", part = "0", attempt = 0 } = options;
  return registry.stage({ dataset, transaction, part, attempt, schema });
}

/** Stages a whole part of ids. */
export async function putPart(world: World, values: readonly number[], options: PutOptions = {}) {
  const writer = stage(world, options);
  if (values.length > 0) await receive(writer, idMessage(values));
  return writer.finish(values.length);
}

export function seal(
  world: World,
  parts: [part: string, attempt: number, rows: number][],
  options: PutOptions & { mode?: SealMode; schema?: Uint8Array } = {},
) {
  const { dataset = "d", transaction = "t", mode = "overwrite", schema } = options;
  return world.registry.seal({
    dataset,
    transaction,
    mode,
    schema,
    parts: parts.map(([part, attempt, rows]) => ({ part, attempt, rows })),
  });
}

/** A whole write of one part. */
export async function write(
  world: World,
  transaction: string,
  values: readonly number[],
  mode: SealMode = "overwrite",
  dataset = "d",
) {
  await putPart(world, values, { transaction, dataset });
  return seal(world, [["0", 0, values.length]], { transaction, mode, dataset });
}

/** The ids in messages of one part. */
export function idsIn(messages: readonly StoredBatch[]): number[] {
  return decodeBatches(decodeSchema(idSchema), messages).flatMap((batch) => [...numericColumn(batch, "id")]);
}

/** All ids that a reader who comes now gets. */
export async function readIds({ registry }: World, name = "d", version?: number): Promise<number[]> {
  const lease = registry.open(name, version);
  try {
    const found: number[] = [];
    for (const part of lease.info.parts.keys()) {
      const messages: StoredBatch[] = [];
      for await (const message of lease.read(part)) messages.push(message);
      for (const id of idsIn(messages)) found.push(id);
    }
    return found;
  } finally {
    lease.release();
  }
}
