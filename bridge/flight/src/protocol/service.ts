/** The service's name in a gRPC path. */
export const flightService = "arrow.flight.protocol.FlightService";

/** Every RPC of Arrow Flight. */
export const flightMethods = [
  "Handshake",
  "ListFlights",
  "GetFlightInfo",
  "PollFlightInfo",
  "GetSchema",
  "DoGet",
  "DoPut",
  "DoExchange",
  "DoAction",
  "ListActions",
] as const;

export type FlightMethod = (typeof flightMethods)[number];

export function methodPath(method: FlightMethod): string {
  return `/${flightService}/${method}`;
}
