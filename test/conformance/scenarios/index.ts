import type { MissingScenario, Scenario } from "../scenario.js";
import { appMetadata } from "./app-metadata.js";
import { authBasicProto } from "./auth-basic-proto.js";
import { expirationCancelFlightInfo } from "./expiration-cancel-flight-info.js";
import { expirationDoGet } from "./expiration-do-get.js";
import { expirationListActions } from "./expiration-list-actions.js";
import { expirationRenewFlightEndpoint } from "./expiration-renew-flight-endpoint.js";
import { middleware } from "./middleware.js";
import { ordered } from "./ordered.js";
import { pollFlightInfo } from "./poll-flight-info.js";
import { reuseConnection } from "./reuse-connection.js";
import { sessionOptions } from "./session-options.js";

/** Arrow's scenarios that we take part in. */
export const scenarios: readonly Scenario[] = [
  authBasicProto,
  middleware,
  ordered,
  expirationDoGet,
  expirationListActions,
  expirationCancelFlightInfo,
  expirationRenewFlightEndpoint,
  reuseConnection,
  pollFlightInfo,
  appMetadata,
  sessionOptions,
];

/** Arrow's scenarios that we do not take part in yet. */
export const missingScenarios: readonly MissingScenario[] = [
  { name: "flight_sql", missing: "The package has no Flight SQL yet." },
  { name: "flight_sql:extension", missing: "The package has no Flight SQL yet." },
  { name: "flight_sql:ingestion", missing: "The package has no Flight SQL yet." },
];
