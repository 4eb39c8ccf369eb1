import { type FlightEndpoint, FlightError, type FlightHandlers } from "arrow-flight-node";
import { text } from "./command.js";
import { numbers, numbersInfo } from "./numbers.js";

/** What the server of the expiration_time scenarios knows of one of its endpoints. */
export interface ExpiringEndpoint {
  expirationTime: Date | undefined;
  reads: number;
  cancelled: boolean;
}

/** The endpoints of a server, by the number that their tickets begin with. */
export class ExpiringEndpoints {
  #known: ExpiringEndpoint[] = [];

  /** Three new endpoints: one that can be read once, and two that can be read for 5 s and for 6 s. */
  renew(): FlightEndpoint[] {
    this.#known = [];
    return [undefined, 5, 6].map((seconds, index) => {
      const expirationTime = seconds === undefined ? undefined : new Date(Date.now() + seconds * 1000);
      this.#known.push({ expirationTime, reads: 0, cancelled: false });
      const ticket = Buffer.from(`${index}: ${seconds === undefined ? "No expiration time" : `${seconds} seconds`}`);
      return { ticket, expirationTime };
    });
  }

  /** The endpoint of a ticket and its number, or undefined. */
  find(ticket: Uint8Array): { index: number; endpoint: ExpiringEndpoint } | undefined {
    const index = Number.parseInt(text(ticket), 10);
    const endpoint = this.#known[index];
    return endpoint === undefined ? undefined : { index, endpoint };
  }
}

/** The half that the servers of all expiration_time scenarios share. */
export function expiringHandlers(endpoints: ExpiringEndpoints): FlightHandlers {
  return {
    getFlightInfo: (descriptor) => numbersInfo("uint32", descriptor, endpoints.renew()),
    doGet(ticket) {
      const found = endpoints.find(ticket);
      if (found === undefined) throw refused("unknown", ticket);
      const { index, endpoint } = found;
      if (endpoint.cancelled) throw refused("cancelled", ticket);
      if (endpoint.expirationTime === undefined && endpoint.reads > 0) throw refused("read before", ticket);
      if (Number(endpoint.expirationTime ?? Infinity) < Date.now()) throw refused("expired", ticket);
      endpoint.reads += 1;
      return numbers(Uint32Array.of(index));
    },
    listActions: () => [
      { type: "CancelFlightInfo", description: "" },
      { type: "RenewFlightEndpoint", description: "" },
    ],
  };
}

function refused(why: string, ticket: Uint8Array): FlightError {
  return new FlightError("INVALID_ARGUMENT", `The ticket is ${why}: ${text(ticket)}.`, {
    hint: "Ask for the FlightInfo again.",
  });
}
