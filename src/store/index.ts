export type { Arena, Pin, Region } from "./arena.js";
export { ObjectStore, type ObjectStoreOptions, type StoreUsage } from "./object-store.js";
export { formatSize } from "./size.js";
