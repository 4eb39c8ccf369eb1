/** One number of CityLearn 1.8.0's `evaluate()` for each cost function. */
export type Evaluation = Record<string, number>;

/** The house columns of CityLearn 1.8.0's `evaluate()`: each the ratio to the house without a battery. */
export function evaluateHouse(
  net: Float64Array,
  base: Float64Array,
  price: ArrayLike<number>,
  carbon: ArrayLike<number>,
) {
  const ratio = (of: (net: Float64Array) => number) => of(net) / of(base);
  return {
    electricity_consumption: ratio((x) => sum(x, (v) => Math.max(0, v))),
    zero_net_energy: ratio((x) => sum(x, (v) => v)),
    carbon_emissions: ratio((x) => sum(x, (v, t) => Math.max(0, v * carbon[t]!))),
    cost: ratio((x) => sum(x, (v, t) => Math.max(0, v * price[t]!))),
  };
}

/** Its district columns: four of the district's own consumption, four means over the houses. */
export function evaluateDistrict(net: Float64Array, base: Float64Array, houses: Evaluation[]): Evaluation {
  const ratio = (of: (net: Float64Array) => number) => of(net) / of(base);
  const mean = (name: string) => houses.reduce((total, house) => total + house[name]!, 0) / houses.length;
  return {
    ramping: ratio((x) => sum(x, (v, t) => (t === 0 ? 0 : Math.abs(v - x[t - 1]!)))),
    "1 - load_factor": ratio((x) =>
      blocks(x, 730, (block) => 1 - sum(block, (v) => v) / block.length / Math.max(...block)),
    ),
    average_daily_peak: ratio((x) => blocks(x, 24, (block) => Math.max(...block))),
    peak_demand: ratio((x) => Math.max(...x)),
    electricity_consumption: mean("electricity_consumption"),
    zero_net_energy: mean("zero_net_energy"),
    carbon_emissions: mean("carbon_emissions"),
    cost: mean("cost"),
  };
}

function sum(values: Float64Array, of: (value: number, t: number) => number): number {
  return values.reduce((total, value, t) => total + of(value, t), 0);
}

function blocks(values: Float64Array, rows: number, of: (block: Float64Array) => number): number {
  let total = 0;
  for (let t = 0; t < values.length; t += rows) total += of(values.subarray(t, t + rows));
  return total / Math.ceil(values.length / rows);
}
