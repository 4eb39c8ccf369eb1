import { framesRoom } from "./frames-room.js";
import { ipcRoom } from "./ipc-room.js";
import { protobufRoom } from "./protobuf-room.js";
import type { FuzzRoom } from "./room.js";

export const fuzzRooms: readonly FuzzRoom[] = [ipcRoom, framesRoom, protobufRoom];

export function roomNamed(name: string): FuzzRoom {
  const room = fuzzRooms.find((each) => each.name === name);
  if (room === undefined)
    throw new Error(`There is no room "${name}"; there are ${fuzzRooms.map((each) => each.name).join(", ")}.`);
  return room;
}
