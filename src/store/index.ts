export type { Arena, Region } from "./arena.js";
export { ObjectStore, type ObjectStoreOptions, type StoreUsage } from "./object-store.js";
