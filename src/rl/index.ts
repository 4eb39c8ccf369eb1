export type { Step, VectorEnvironment } from "./environment.js";
export { actionBound, Batteries, capacity, nominalPower } from "./envs/battery/batteries.js";
export { type Column, cityLearnObservations, type HouseColumns, stateObservations } from "./envs/battery/columns.js";
export { BatteryDistrict, type BatteryDistrictOptions } from "./envs/battery/district.js";
export { basicBatteryRule, byHour, type Controller, noBattery, runEpisode } from "./envs/battery/rules.js";
export { challengeScores, DistrictMeter, type DistrictSums, type Scores } from "./envs/battery/score.js";
export { Box, Discrete, type Space } from "./spaces.js";
