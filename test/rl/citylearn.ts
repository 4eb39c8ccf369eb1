import { readFileSync } from "node:fs";
import { type Column, cityLearnObservations, type HouseColumns } from "../../src/rl/index.js";

const data = ".data/citylearn-1.8.0/citylearn/data";

/** Buildings of the challenge's phases: first and last. */
const phases = { 1: [1, 5], 2: [6, 10], 3: [11, 17] } as const;

/** A phase of the challenge. */
export type Phase = keyof typeof phases;

/** The houses of a phase as columns, read from the CSVs of the CityLearn wheel that set-up unpacks. */
export function readHouses(phase: Phase): HouseColumns[] {
  const folder = `${data}/citylearn_challenge_2022_phase_${phase}`;
  const weather = readCsv(`${folder}/weather.csv`);
  const price = readCsv(`${folder}/pricing.csv`);
  const carbon = readCsv(`${folder}/carbon_intensity.csv`);
  const shared: Record<string, Column> = { carbon_intensity: carbon.get("kg_CO2/kWh")! };
  for (const [name, title] of Object.entries(titles)) {
    const ahead = (hours: number) =>
      weather.get(`${hours}h Prediction ${title}`) ?? price.get(`${hours}h Prediction ${title}`);
    shared[name] = (weather.get(title) ?? price.get(title))!;
    for (const hours of [6, 12, 24]) shared[`${name}_predicted_${hours}h`] = ahead(hours)!;
  }
  const schema = JSON.parse(readFileSync(`${folder}/schema.json`, "utf8")) as Schema;
  const [first, last] = phases[phase];
  return Array.from({ length: last - first + 1 }, (_, i) => {
    const name = `Building_${first + i}`;
    const house = readCsv(`${folder}/${name}.csv`);
    const peak = schema.buildings[name]!.pv.attributes.nominal_power;
    const columns: Record<string, Column> = {
      ...shared,
      month: Int32Array.from(house.get("Month")!),
      hour: Int32Array.from(house.get("Hour")!),
      day_type: Int32Array.from(house.get("Day Type")!),
      non_shiftable_load: house.get("Equipment Electric Power [kWh]")!,
      solar_generation: house.get("Solar Generation [W/kW]")!.map((watts) => (peak * watts) / 1000),
    };
    const missing = cityLearnObservations.filter(
      (c) => !(c in columns) && !c.startsWith("electrical_") && !c.startsWith("net_"),
    );
    if (missing.length > 0) throw new Error(`no ${missing.join(", ")} in the raw data`);
    return columns;
  });
}

interface Schema {
  buildings: Record<string, { pv: { attributes: { nominal_power: number } } }>;
}

const titles = {
  outdoor_dry_bulb_temperature: "Outdoor Drybulb Temperature [C]",
  outdoor_relative_humidity: "Relative Humidity [%]",
  diffuse_solar_irradiance: "Diffuse Solar Radiation [W/m2]",
  direct_solar_irradiance: "Direct Solar Radiation [W/m2]",
  electricity_pricing: "Electricity Pricing [$]",
};

function readCsv(path: string): Map<string, Float64Array> {
  const [header, ...lines] = readFileSync(path, "utf8").trimEnd().split(/\r?\n/);
  const rows = lines.map((line) => line.split(","));
  return new Map(header!.split(",").map((name, i) => [name, Float64Array.from(rows, (row) => Number(row[i]))]));
}
