import type { FlightHandlers } from "arrow-flight-node";
import { type ActionRooms, listActions, runAction, timelineAction } from "./endpoint/actions.js";
import { answering, streaming } from "./endpoint/failure.js";
import { flightInfo, get, listed, schema } from "./endpoint/get.js";
import { put } from "./endpoint/put.js";

/**
 * The Flight face of a node: datasets and streams to put and get, state tables to get, and the actions of the two-phase
 * commit. Node thread only; it owns none of the rooms.
 */
export function createEndpoint(rooms: ActionRooms): FlightHandlers {
  const { registry, control } = rooms;
  return {
    listFlights: () =>
      streaming(async function* () {
        for (const info of registry.list()) yield listed(info);
      }),
    getFlightInfo: (descriptor) => answering(() => flightInfo(registry, descriptor)),
    getSchema: (descriptor) => answering(() => schema(registry, descriptor)),
    doGet: (ticket, call) => streaming(() => get(registry, control, ticket, call.signal)),
    doPut: (messages) => streaming(() => put(registry, messages)),
    doAction: (action) =>
      streaming(async function* () {
        if (action.type === timelineAction.type) for await (const text of rooms.timeline()) yield Buffer.from(text);
        else yield await runAction(action.type, action.body ?? new Uint8Array(), rooms);
      }),
    listActions: () => listActions(),
  };
}
