import { FlightError } from "./error.js";
import { equalSecrets } from "./secret.js";

/** The token of an `authorization: Bearer <token>` header; undefined for another scheme, or none. */
export function bearerOf(headers: ReadonlyMap<string, string>): string | undefined {
  return /^bearer (.*)$/i.exec(headers.get("authorization") ?? "")?.[1];
}

/** Returns a check that throws UNAUTHENTICATED unless the headers carry `authorization: Bearer <token>`. */
export function requireBearer(token: string): (headers: ReadonlyMap<string, string>) => void {
  return (headers) => {
    if (equalSecrets(bearerOf(headers) ?? "", token)) return;
    throw new FlightError("UNAUTHENTICATED", "The call carries no valid token.", {
      hint: 'Send the header "authorization: Bearer <token>" with the token that the server was started with.',
    });
  };
}
