import fc from "fast-check";

/** A valid input of the corpus. */
export interface Sample {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** One input: a sample, damaged, and where it is cut into chunks. */
export interface Input {
  readonly sample: string;
  readonly bytes: Uint8Array;
  readonly cuts: readonly number[];
}

type Change =
  | { kind: "set" | "flip" | "insert"; at: number; value: number }
  | { kind: "remove" | "repeat" | "number" | "cut"; at: number; value: number };

const kinds = ["set", "set", "set", "flip", "flip", "flip", "number", "insert", "remove", "repeat", "cut"] as const;
const telling = [0, 1, 2, 4, 8, 16, 32, 64, 127, 128, 254, 255];
const tellingNumbers = [-1, 0, 1, 7, 0x7fff, 0xffff, 0x10000, 0x7ffffff8, 0x7fffffff, -0x80000000];
const position = fc.noBias(fc.nat());

const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom(...kinds),
  at: position,
  value: fc.oneof(fc.constantFrom(...telling), fc.nat(255)),
});

/** Samples with one to a few changes each: bytes that are set, flipped, put in, left out or repeated, numbers, and a cut end. */
export function damagedInputs(samples: readonly Sample[]): fc.Arbitrary<Input> {
  const changes = fc.oneof({ weight: 3, arbitrary: change.map((one) => [one]) }, fc.array(change, { maxLength: 6 }));
  return fc
    .tuple(fc.noBias(fc.nat(samples.length - 1)), changes, fc.array(position, { maxLength: 6 }))
    .map(([index, made, cuts]) => {
      const { name, bytes } = samples[index]!;
      const damaged = made.reduce(damage, bytes);
      return { sample: name, bytes: damaged, cuts: cuts.map((at) => at % (damaged.length + 1)).sort((a, b) => a - b) };
    });
}

function damage(bytes: Uint8Array, { kind, at, value }: Change): Uint8Array {
  if (bytes.length === 0) return Uint8Array.of(value);
  const place = at % bytes.length;
  const copy = Uint8Array.from(bytes);
  switch (kind) {
    case "set":
      copy[place] = value;
      return copy;
    case "flip":
      copy[place]! ^= 1 << (value % 8);
      return copy;
    case "number":
      if (bytes.length < 4) return copy;
      new DataView(copy.buffer).setInt32(
        (place & ~3) % (bytes.length - 3),
        tellingNumbers[value % tellingNumbers.length]!,
        true,
      );
      return copy;
    case "insert":
      return Buffer.concat([bytes.subarray(0, place), Uint8Array.of(value), bytes.subarray(place)]);
    case "remove":
      return Buffer.concat([bytes.subarray(0, place), bytes.subarray(place + 1 + (value % 16))]);
    case "repeat":
      return Buffer.concat([bytes.subarray(0, place + 1), bytes.subarray(Math.max(0, place - value))]);
    case "cut":
      return bytes.slice(0, place);
  }
}

/** `bytes` in chunks that end at `cuts`. */
export function* chunksOf(bytes: Uint8Array, cuts: readonly number[]): Generator<Uint8Array> {
  let from = 0;
  for (const at of [...cuts, bytes.length]) {
    yield bytes.slice(from, at);
    from = at;
  }
}
