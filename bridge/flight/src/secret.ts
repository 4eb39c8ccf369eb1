import { createHash, timingSafeEqual } from "node:crypto";

/** Whether two secrets are the same. It takes the same time wherever they differ. */
export function equalSecrets(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
