import type { Scenario } from "../scenario.js";
import { actions } from "./actions.js";
import { basicToBearer } from "./basic-to-bearer.js";
import { cancel } from "./cancel.js";
import { brokenStreams, errors } from "./errors.js";
import { exchange } from "./exchange.js";
import { flightInfo } from "./flight-info.js";
import { get, metadataAlone } from "./get.js";
import { gracefulEnd } from "./graceful-end.js";
import { headers } from "./headers.js";
import { large } from "./large.js";
import { listFlights } from "./list-flights.js";
import { put } from "./put.js";
import { mtls, tls } from "./tls.js";

/** Our own scenarios: what Arrow's leave out, for the peers that we write ourselves on another implementation's library. */
export const calls: readonly Scenario[] = [
  listFlights,
  flightInfo,
  get,
  metadataAlone,
  put,
  exchange,
  actions,
  errors,
  brokenStreams,
  cancel,
  headers,
  basicToBearer,
  tls,
  mtls,
  large,
  gracefulEnd,
];
