import { createHash, timingSafeEqual } from "node:crypto";
import { FlightError } from "./error.js";

/**
 * Returns a check that throws UNAUTHENTICATED unless the headers carry `authorization: Bearer <token>`. It takes the same time
 * wherever a wrong token differs.
 */
export function requireBearer(token: string): (headers: ReadonlyMap<string, string>) => void {
  const expected = digest(`Bearer ${token}`);
  return (headers) => {
    const given = headers.get("authorization") ?? "";
    if (timingSafeEqual(digest(given.replace(/^bearer /i, "Bearer ")), expected)) return;
    throw new FlightError("UNAUTHENTICATED", "The call carries no valid token.", {
      hint: 'Send the header "authorization: Bearer <token>" with the token that the server was started with.',
    });
  };
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
