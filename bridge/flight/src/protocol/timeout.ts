import { FlightError } from "../error.js";

const milliseconds: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };

/** Reads a grpc-timeout header as milliseconds. Throws INVALID_ARGUMENT for what is none. */
export function parseTimeout(header: string): number {
  const match = /^(\d{1,8})([HMSmun])$/.exec(header);
  if (match === null) {
    throw new FlightError("INVALID_ARGUMENT", `"${header}" is no grpc-timeout.`, {
      hint: "It is up to eight digits and one of H, M, S, m, u, n.",
    });
  }
  return Number(match[1]) * milliseconds[match[2]!]!;
}

/** Writes milliseconds as a grpc-timeout header, rounded up to what eight digits can say. */
export function formatTimeout(timeoutMs: number): string {
  for (const unit of ["m", "S", "M"] as const) {
    const amount = Math.max(1, Math.ceil(timeoutMs / milliseconds[unit]!));
    if (amount < 1e8) return `${amount}${unit}`;
  }
  return "99999999H";
}
