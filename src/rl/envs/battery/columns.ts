import { RayflightError } from "../../../error.js";

/** A column as it comes out of a dataset: a view, never a copy. */
export type Column =
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Float32Array
  | Float64Array;

/** One house's hours, a column for each quantity, all of the same length. */
export type HouseColumns = Readonly<Record<string, Column>>;

/** What the environment itself knows, beside the columns, and can be observed under these names. */
export const stateObservations = ["electrical_storage_soc", "net_electricity_consumption"] as const;

const withPredictions = (name: string) => [
  name,
  `${name}_predicted_6h`,
  `${name}_predicted_12h`,
  `${name}_predicted_24h`,
];

/** The 28 observations of the 2022 challenge, in CityLearn's order. */
export const cityLearnObservations: readonly string[] = [
  "month",
  "day_type",
  "hour",
  ...withPredictions("outdoor_dry_bulb_temperature"),
  ...withPredictions("outdoor_relative_humidity"),
  ...withPredictions("diffuse_solar_irradiance"),
  ...withPredictions("direct_solar_irradiance"),
  "carbon_intensity",
  "non_shiftable_load",
  "solar_generation",
  ...stateObservations,
  ...withPredictions("electricity_pricing"),
];

/** The columns of one house by name; throws INVALID_ARGUMENT when one is missing. */
export function requireColumns(house: HouseColumns, names: readonly string[]): Column[] {
  return names.map((name) => {
    const column = house[name];
    if (column !== undefined) return column;
    throw new RayflightError("INVALID_ARGUMENT", `The house has no column "${name}".`, {
      hint: `It has ${Object.keys(house).join(", ")}.`,
    });
  });
}
