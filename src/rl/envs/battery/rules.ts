import { type HouseColumns, requireColumns } from "./columns.js";
import type { BatteryDistrict } from "./district.js";

/** Writes the action of every house for the row that `district` now shows. */
export type Controller = (district: BatteryDistrict, actions: Float64Array) => void;

/** Leaves every battery alone. */
export const noBattery: Controller = (_district, actions) => {
  actions.fill(0);
};

/** CityLearn's BasicBatteryRBC: charges from 6 to 14 h, discharges slowly in all other hours. */
export function basicBatteryRule(houses: readonly HouseColumns[]): Controller {
  return byHour(houses, (hour) => (hour >= 6 && hour <= 14 ? 0.11 : -0.067));
}

/** A controller that looks at nothing but the hour (1..24) of each house. */
export function byHour(houses: readonly HouseColumns[], action: (hour: number) => number): Controller {
  const hours = houses.map((house) => requireColumns(house, ["hour"])[0]!);
  return (district, actions) => {
    for (let i = 0; i < actions.length; i++) actions[i] = action(hours[i]![district.row]!);
  };
}

/** Runs one episode; `visit` sees the district after its reset and after every step, with the actions that led there. */
export function runEpisode(
  district: BatteryDistrict,
  controller: Controller,
  visit?: (district: BatteryDistrict, actions: Float64Array) => void,
): void {
  const actions = new Float64Array(district.count).fill(Number.NaN);
  district.reset();
  visit?.(district, actions);
  while (district.row < district.rows - 1) {
    controller(district, actions);
    district.step(actions);
    visit?.(district, actions);
  }
}
