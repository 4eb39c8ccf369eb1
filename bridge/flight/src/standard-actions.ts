import { FlightError } from "./error.js";
import type { FlightHandlers, ServerCall } from "./handlers.js";
import { type Action, type ActionType, cancelStatuses, closeSessionStatuses } from "./messages.js";
import { encodeEndpoint } from "./protocol/flight-info.js";
import { decodeSessionOptions, encodeSessionErrors, encodeSessionOptions } from "./protocol/session-options.js";
import { decodeCancelRequest, decodeRenewRequest, encodeOutcome } from "./protocol/standard-action.js";

interface StandardAction {
  description: string;
  /** From the action's body to its one result. */
  answer(body: Uint8Array, call: ServerCall): Promise<Uint8Array>;
}

/** The actions of Arrow's specification for which there are handlers, by name. */
function createStandardActions(handlers: FlightHandlers): Map<string, StandardAction> {
  const actions = new Map<string, StandardAction>();
  const add = (type: string, offered: unknown, description: string, answer: StandardAction["answer"]) => {
    if (offered !== undefined) actions.set(type, { description, answer });
  };
  add("CancelFlightInfo", handlers.cancelFlightInfo, "Stops the work on a query.", async (body, call) =>
    encodeOutcome(cancelStatuses, await handlers.cancelFlightInfo!(decodeCancelRequest(body), call)),
  );
  add("RenewFlightEndpoint", handlers.renewFlightEndpoint, "Lets an endpoint expire later.", async (body, call) =>
    encodeEndpoint(await handlers.renewFlightEndpoint!(decodeRenewRequest(body), call)),
  );
  add("SetSessionOptions", handlers.setSessionOptions, "Sets options of the session.", async (body, call) =>
    encodeSessionErrors(await handlers.setSessionOptions!(decodeSessionOptions(body), call)),
  );
  add("GetSessionOptions", handlers.getSessionOptions, "Gives the options of the session.", async (_, call) =>
    encodeSessionOptions(await handlers.getSessionOptions!(call)),
  );
  add("CloseSession", handlers.closeSession, "Ends the session.", async (_, call) =>
    encodeOutcome(closeSessionStatuses, await handlers.closeSession!(call)),
  );
  return actions;
}

/** `handlers` with the standard actions among those of doAction and listActions. */
export function withStandardActions(handlers: FlightHandlers): Pick<FlightHandlers, "doAction" | "listActions"> {
  const actions = createStandardActions(handlers);
  const { doAction, listActions } = handlers;
  if (actions.size === 0) return handlers;
  return {
    doAction(action, call) {
      const standard = actions.get(action.type);
      if (standard !== undefined) return one(standard.answer(action.body, call));
      if (doAction !== undefined) return doAction.call(handlers, action, call);
      throw unknown(action);
    },
    async *listActions(call): AsyncGenerator<ActionType> {
      const listed = new Set<string>();
      for await (const type of (await listActions?.call(handlers, call)) ?? []) {
        listed.add(type.type);
        yield type;
      }
      for (const [type, { description }] of actions) if (!listed.has(type)) yield { type, description };
    },
  };
}

async function* one(result: Promise<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield await result;
}

function unknown({ type }: Action): FlightError {
  return new FlightError("UNIMPLEMENTED", `This server has no action ${type}.`, { hint: "Ask it for its actions." });
}
