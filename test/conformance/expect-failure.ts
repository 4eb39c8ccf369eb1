import { FlightError, type FlightErrorCode } from "arrow-flight-node";

/** Waits for `call` to fail with `code`, and returns the error; throws when it succeeds or fails otherwise. */
export async function expectFailure(call: Promise<unknown>, code: FlightErrorCode, what: string): Promise<FlightError> {
  const outcome = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof FlightError && outcome.code === code) return outcome;
  throw new Error(`${what} should fail with ${code}, and ${outcome === undefined ? "succeeds" : `gives: ${outcome}`}`);
}
