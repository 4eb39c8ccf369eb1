import type { Flood } from "../flood.js";
import { continuation } from "./continuation.js";
import { emptyData } from "./empty-data.js";
import { paddedData } from "./padded-data.js";
import { ping } from "./ping.js";
import { priority } from "./priority.js";
import { rapidReset } from "./rapid-reset.js";
import { settings } from "./settings.js";
import { tinyData } from "./tiny-data.js";
import { unknownFrames } from "./unknown-frames.js";
import { windowUpdate } from "./window-update.js";

export const floods: readonly Flood[] = [
  rapidReset,
  continuation,
  settings,
  ping,
  emptyData,
  priority,
  windowUpdate,
  tinyData,
  paddedData,
  unknownFrames,
];
