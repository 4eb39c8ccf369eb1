import { actors } from "./actors.js";
import { graph } from "./graph.js";
import type { Room } from "./room.js";

export const rooms: readonly Room[] = [graph, actors];
