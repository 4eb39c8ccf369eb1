import type { Dataset } from "rayflight";
import type { HouseColumns } from "rayflight/rl";

/** One house of a battery dataset: a year of hours. */
export interface House {
  readonly building: number;
  /** The columns as they lie in the object store: views, not copies. */
  readonly columns: HouseColumns;
}

/** The houses of a dataset by number. Throws unless each of them is one record batch of all its hours in order. */
export function housesOf(dataset: Dataset): House[] {
  const names = dataset.schema.fields.map(({ name }) => name);
  const columns = new Map(names.map((name) => [name, dataset.column(name)]));
  const houses = dataset.batches.map((_, i) => {
    const house = Object.fromEntries(names.map((name) => [name, columns.get(name)![i]!]));
    const { building, t } = house;
    if (building === undefined || t === undefined || !isWhole(building, t)) {
      throw new Error(
        `Batch ${i} of ${dataset.name} is not one house's hours in order. ` +
          "Write a part for each house, sorted by t, in a single batch, as prepare.py does.",
      );
    }
    return { building: building[0]!, columns: house };
  });
  return houses.sort((a, b) => a.building - b.building);
}

/** The columns that the controller sees, in the order of the schema. */
export function featuresOf(dataset: Dataset): string[] {
  return dataset.schema.fields.map(({ name }) => name).filter((name) => name.startsWith("feature_"));
}

function isWhole(building: ArrayLike<number>, t: ArrayLike<number>): boolean {
  for (let row = 0; row < t.length; row++) if (t[row] !== row || building[row] !== building[0]) return false;
  return t.length > 0;
}
