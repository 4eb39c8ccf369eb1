/** Reads a `cookie` header. */
export function parseCookies(header: string): Map<string, string> {
  return new Map(header.split(";").flatMap((part) => pair(part) ?? []));
}

/** Reads `set-cookie` headers, joined by ", ": each cookie, with undefined for the value of one that has expired at `now`. */
export function parseSetCookies(header: string, now: number): Map<string, string | undefined> {
  const cookies = new Map<string, string | undefined>();
  // A comma also stands in dates; one between two cookies has a name and "=" after it.
  for (const cookie of header.split(/,\s*(?=[^;,=\s]+=)/)) {
    const [first, ...rest] = cookie.split(";");
    const [[name, value] = []] = pair(first ?? "") ?? [];
    if (name === undefined) continue;
    const attributes = new Map(
      rest.flatMap((part) => pair(part) ?? []).map(([key, text]) => [key.toLowerCase(), text]),
    );
    const maxAge = attributes.get("max-age");
    const expires = attributes.get("expires");
    const expired = maxAge !== undefined ? !(Number(maxAge) > 0) : expires !== undefined && Date.parse(expires) <= now;
    cookies.set(name, expired ? undefined : value);
  }
  return cookies;
}

function pair(text: string): [[string, string]] | undefined {
  const [, name, value] = /^\s*([^=\s]+)\s*=\s*"?(.*?)"?\s*$/.exec(text) ?? [];
  return name === undefined || value === undefined ? undefined : [[name, value]];
}
