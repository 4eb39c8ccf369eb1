import type { MissingScenario, Scenario } from "../scenario.js";
import { appMetadata } from "./app-metadata.js";
import { authBasicProto } from "./auth-basic-proto.js";
import { expirationDoGet } from "./expiration-do-get.js";
import { expirationListActions } from "./expiration-list-actions.js";
import { ordered } from "./ordered.js";
import { pollFlightInfo } from "./poll-flight-info.js";
import { reuseConnection } from "./reuse-connection.js";

/** Arrow's scenarios that we take part in. */
export const scenarios: readonly Scenario[] = [
  authBasicProto,
  ordered,
  expirationDoGet,
  expirationListActions,
  reuseConnection,
  pollFlightInfo,
  appMetadata,
];

/** Arrow's scenarios that we do not take part in yet. */
export const missingScenarios: readonly MissingScenario[] = [
  { name: "middleware", missing: "The package has no middleware yet: response headers are neither set nor seen." },
  { name: "expiration_time:cancel_flight_info", missing: "The package has no CancelFlightInfo yet." },
  { name: "expiration_time:renew_flight_endpoint", missing: "The package has no RenewFlightEndpoint yet." },
  { name: "session_options", missing: "The package has no sessions yet." },
  { name: "flight_sql", missing: "The package has no Flight SQL yet." },
  { name: "flight_sql:extension", missing: "The package has no Flight SQL yet." },
  { name: "flight_sql:ingestion", missing: "The package has no Flight SQL yet." },
];
