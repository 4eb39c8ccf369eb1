import { actors } from "./actors.js";
import { ends } from "./ends.js";
import { graph } from "./graph.js";
import type { Room } from "./room.js";

export const rooms: readonly Room[] = [graph, actors, ends];
