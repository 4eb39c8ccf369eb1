import * as ray from "rayflight";
import { batchFromColumns, schemaOf } from "../../src/arrow/index.js";
import type { HouseColumns } from "../../src/rl/index.js";
import { type Phase, readHouses } from "./citylearn.js";
import { withFeatures } from "./features.js";

const firstBuilding = { 1: 1, 2: 6, 3: 11 } as const;

/** Writes battery/phase_1 .. 3 as prepare.py does, but without Spark: a batch for each house. Needs a session. */
export async function writeBatteryDatasets(phases: readonly Phase[] = [1, 2, 3]): Promise<void> {
  const learned = withFeatures(readHouses(1));
  for (const phase of phases) {
    const { houses } = phase === 1 ? learned : withFeatures(readHouses(phase), learned.normalisation);
    const batches = houses.map((house, i) => toBatch(firstBuilding[phase] + i, house));
    await ray.data.write(`battery/phase_${phase}`, batches);
  }
}

function toBatch(building: number, house: HouseColumns) {
  const rows = house.hour!.length;
  const columns: HouseColumns = {
    building: new Int32Array(rows).fill(building),
    t: Int32Array.from({ length: rows }, (_, t) => t),
    ...house,
  };
  const kind = (column: unknown) =>
    column instanceof Int32Array ? "int32" : column instanceof Float32Array ? "float32" : "float64";
  const schema = schemaOf(Object.fromEntries(Object.entries(columns).map(([name, x]) => [name, kind(x)])));
  return batchFromColumns(columns, schema);
}
