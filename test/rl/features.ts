import type { HouseColumns } from "../../src/rl/index.js";

/** Names of the features in their order: the same as pipelines/battery/prepare.py writes. */
export const featureNames = [
  "hour_sin",
  "hour_cos",
  "month_sin",
  "month_cos",
  "weekend",
  "load",
  "load_lag1",
  "load_lag24",
  "load_next",
  "solar",
  "solar_lag1",
  "solar_lag24",
  "solar_next",
  "price",
  "price_6h",
  "price_12h",
  "price_24h",
  "carbon",
  "direct_6h",
  "direct_12h",
  "diffuse_6h",
  "temperature",
  "temperature_6h",
].map((name) => `feature_${name}`);

/** Mean and scale by which a feature is normalised. */
export type Normalisation = Record<string, { mean: number; scale: number }>;

const asTheyAre = /_(sin|cos|weekend)$/;

/** Adds float32 features to houses; normalised by `normalisation`, or by these houses' own means and deviations. */
export function withFeatures(houses: readonly HouseColumns[], normalisation = measure(houses)) {
  const featured = houses.map((house) => {
    const columns = Object.entries(rawFeatures(house)).map(([name, values]) => {
      const { mean, scale } = normalisation[name] ?? { mean: 0, scale: 1 };
      return [name, Float32Array.from(values, (x) => (x - mean) / scale)] as const;
    });
    return { ...house, ...Object.fromEntries(columns) } as HouseColumns;
  });
  return { houses: featured, normalisation };
}

function measure(houses: readonly HouseColumns[]): Normalisation {
  const all = houses.map(rawFeatures);
  const entries = featureNames.flatMap((name) => {
    if (asTheyAre.test(name)) return [];
    const values = all.flatMap((house) => [...house[name]!]);
    const mean = values.reduce((a, b) => a + b) / values.length;
    const scale = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
    return [[name, { mean, scale }] as const];
  });
  return Object.fromEntries(entries);
}

function rawFeatures(house: HouseColumns): Record<string, Float64Array> {
  const column = (name: string) => Float64Array.from(house[name]!);
  const turn = (values: Float64Array, period: number) => values.map((x) => (2 * Math.PI * x) / period);
  const lag = (values: Float64Array, by: number) => values.map((_, t) => values[Math.max(0, t - by)]!);
  const hour = turn(column("hour"), 24);
  const month = turn(column("month"), 12);
  const load = column("non_shiftable_load");
  const solar = column("solar_generation");
  const features = [
    hour.map(Math.sin),
    hour.map(Math.cos),
    month.map(Math.sin),
    month.map(Math.cos),
    column("day_type").map((day) => (day >= 6 ? 1 : 0)),
    load,
    lag(load, 1),
    lag(load, 24),
    sameHourOfPastDays(load),
    solar,
    lag(solar, 1),
    lag(solar, 24),
    sameHourOfPastDays(solar),
    column("electricity_pricing"),
    column("electricity_pricing_predicted_6h"),
    column("electricity_pricing_predicted_12h"),
    column("electricity_pricing_predicted_24h"),
    column("carbon_intensity"),
    column("direct_solar_irradiance_predicted_6h"),
    column("direct_solar_irradiance_predicted_12h"),
    column("diffuse_solar_irradiance_predicted_6h"),
    column("outdoor_dry_bulb_temperature"),
    column("outdoor_dry_bulb_temperature_predicted_6h"),
  ];
  return Object.fromEntries(featureNames.map((name, i) => [name, features[i]!]));
}

/** What the next hour was on up to three days before; the present value where there is no such day yet. */
function sameHourOfPastDays(values: Float64Array): Float64Array {
  return values.map((present, t) => {
    const past = [24, 48, 72].map((back) => t + 1 - back).filter((row) => row >= 0);
    return past.length === 0 ? present : past.reduce((sum, row) => sum + values[row]!, 0) / past.length;
  });
}
