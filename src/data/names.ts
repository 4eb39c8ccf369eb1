import { RayflightError } from "../error.js";

/**
 * Throws INVALID_ARGUMENT unless `name` can name a dataset: segments joined by "/", of any printable characters. Names that
 * begin with "state/" belong to the tables of metadata.
 */
export function checkName(name: string): void {
  const segments = name.split("/");
  const printable = !/\p{C}/u.test(name);
  if (printable && segments.every((segment) => segment.length > 0) && segments[0] !== "state") return;
  throw new RayflightError("INVALID_ARGUMENT", `A dataset cannot be called ${JSON.stringify(name)}.`, {
    hint: 'Use words joined by "/", such as "battery/phase_1"; "state/" is taken by the tables of metadata.',
  });
}
