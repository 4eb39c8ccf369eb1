export type { Arena, Pin, Region } from "./arena.js";
export type { ObjectListener, ObjectState } from "./object-news.js";
export { ObjectStore, type ObjectStoreOptions, type StoreUsage } from "./object-store.js";
export type { SpillCodecName } from "./spill-codec.js";
export { SpillFile } from "./spill-file.js";
export type { StoredObject } from "./stored-object.js";
