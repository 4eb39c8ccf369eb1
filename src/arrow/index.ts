export type { NumericArray } from "./columns.js";
