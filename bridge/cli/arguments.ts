import { RayflightError } from "../../src/error.js";

const units: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
};

/** Reads a size such as `4GiB`, `500MB` or `1048576`. Throws INVALID_ARGUMENT, naming the option, on anything else. */
export function parseSize(option: string, text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  const unit = units[(match?.[2] ?? "?").toUpperCase()];
  if (match === null || unit === undefined) {
    throw new RayflightError("INVALID_ARGUMENT", `--${option} is "${text}".`, {
      hint: "Give a size such as 4GiB, 500MB or a number of bytes.",
    });
  }
  return Math.floor(Number(match[1]) * unit);
}

/** Reads a whole number from 0. Throws INVALID_ARGUMENT, naming the option, on anything else. */
export function parseCount(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(value) || value < 0) {
    throw new RayflightError("INVALID_ARGUMENT", `--${option} is "${text}".`, { hint: "Give a whole number from 0." });
  }
  return value;
}
