export type { Step, VectorEnvironment } from "./environment.js";
export { actionBound, Batteries } from "./envs/battery/batteries.js";
export { type Column, cityLearnObservations, type HouseColumns, stateObservations } from "./envs/battery/columns.js";
export { batteryPolicy, LearnedController } from "./envs/battery/controller.js";
export { BatteryDistrict, type BatteryDistrictOptions } from "./envs/battery/district.js";
export { basicBatteryRule, byHour, type Controller, noBattery, runEpisode } from "./envs/battery/rules.js";
export { challengeScores, DistrictMeter, type DistrictSums, type Scores } from "./envs/battery/score.js";
export {
  type Annealed,
  annealed,
  centredRanks,
  drawNoise,
  type EsOptions,
  EvolutionStrategies,
  perturb,
} from "./es.js";
export { initialWeights, type PolicyShape, policyGraph, policySize } from "./policy.js";
export { Box, Discrete, type Space } from "./spaces.js";
