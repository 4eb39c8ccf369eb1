import type { ClientMiddleware } from "./middleware.js";
import { parseSetCookies } from "./protocol/cookie.js";

/**
 * Returns middleware that keeps the cookies that servers set and sends them with every later call, as sessions need it. A jar is
 * one identity: give it to all clients of one server, and to those of no other.
 */
export function createCookieJar(): ClientMiddleware {
  const cookies = new Map<string, string>();
  return ({ headers }) => {
    const own = headers.get("cookie");
    const all = [...cookies].map(([name, value]) => `${name}=${value}`);
    if (own !== undefined) all.unshift(own);
    if (all.length > 0) headers.set("cookie", all.join("; "));
    return {
      received(answer) {
        for (const [name, value] of parseSetCookies(answer.get("set-cookie") ?? "", Date.now())) {
          if (value === undefined) cookies.delete(name);
          else cookies.set(name, value);
        }
      },
    };
  };
}
