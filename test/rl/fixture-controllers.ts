import { byHour, type Controller, type HouseColumns, noBattery } from "../../src/rl/index.js";

/** The controllers under which CityLearn made the fixtures. */
export const fixtureControllers: Record<"zero" | "rule" | "minstd", (houses: readonly HouseColumns[]) => Controller> = {
  zero: () => noBattery,
  rule: (houses) =>
    byHour(houses, (hour) => {
      if (hour >= 7 && hour <= 15) return 0.12;
      if (hour >= 16 && hour <= 17) return 0;
      return hour >= 18 && hour <= 23 ? -0.15 : -0.03;
    }),
  minstd: (houses) => {
    const states = houses.map((_, i) => 20221 + 1009 * i);
    return (_district, actions) => {
      for (let i = 0; i < actions.length; i++) {
        states[i] = (48271 * states[i]!) % 2147483647;
        actions[i] = ((states[i]! % 20001) - 10000) / 10000;
      }
    };
  },
};
