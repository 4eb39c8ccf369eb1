import type { Bus } from "../control/index.js";
import type { DatasetRegistry } from "./registry.js";

/** Serves a driver or a worker on the node thread. What it opened is released, and its streams fail, when its bus closes. */
export declare function serveData(bus: Bus, registry: DatasetRegistry): void;
