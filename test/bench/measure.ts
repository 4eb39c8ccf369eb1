import { performance } from "node:perf_hooks";

/** One figure of a benchmark, as a line of JSON. Ratios above 1 mean better than the peer, whatever the unit. */
export interface BenchFigure {
  readonly name: string;
  /** Median over the rounds. */
  readonly value: number;
  readonly unit: string;
  /** What it is compared with, measured in the same rounds. */
  readonly peer: string;
  readonly peer_value: number;
  /** Median of the rounds' own ratios: a round's two measurements see the same weather on the machine. */
  readonly ratio: number;
  readonly target: number;
  /** What the value itself must reach, or stay below where smaller is better. */
  readonly bound?: number;
  readonly holds: boolean;
  /** What the peer gives its users that is not in the ratio. */
  readonly peer_gives?: string;
  readonly rounds: number;
  /** First and third quartile. */
  readonly quartiles: Quartiles;
  readonly peer_quartiles: Quartiles;
  readonly ratio_quartiles: Quartiles;
}

/** A figure that could not be measured here, and why; it fails no check. */
export interface NotRun {
  readonly name: string;
  readonly not_run: string;
  readonly target: number;
}

/** One figure that is held against a number, not against a peer. */
export interface OwnFigure {
  readonly name: string;
  /** Median over the rounds. */
  readonly value: number;
  readonly unit: string;
  /** The value that holds: at least this much, or at most where smaller is better. */
  readonly target: number;
  readonly holds: boolean;
  readonly rounds: number;
  readonly quartiles: Quartiles;
}

export type BenchRow = BenchFigure | OwnFigure | NotRun;

export type Quartiles = readonly [first: number, third: number];

/** What a room is told: how many rounds to measure (at least five for a figure that is published), and which figures. */
export interface RoomOptions {
  readonly rounds: number;
  /** Whether a figure, or a group of them, was asked for; the room does not measure the others. */
  wanted(name: string): boolean;
}

/** What a file of this folder exports to be a room of `npm run bench`. */
export interface Room {
  /** The room in one line, for --help. */
  readonly room: string;
  /** How many rounds it measures unless told otherwise; 5 by default. */
  readonly rounds?: number;
  rows(options: RoomOptions): AsyncIterable<BenchRow>;
}

/** One figure that a comparison measures. */
export interface Measured {
  readonly name: string;
  readonly unit: string;
  readonly peer: string;
  /** The smallest ratio that holds. */
  readonly target: number;
  /** What our value itself must reach, or stay below where smaller is better. */
  readonly bound?: number | undefined;
  /** What the peer gives its users that is not in the ratio. */
  readonly peer_gives?: string;
  /** Whether a smaller value is better, as with seconds; rates are the default. */
  readonly smallerIsBetter?: boolean;
}

export interface Comparison extends Measured {
  readonly rounds: number;
  /** Measures our side once, in `unit`. */
  ours(): Promise<number> | number;
  /** Measures the peer once, in `unit`. */
  peers(): Promise<number> | number;
}

export interface ComparisonOfSeveral {
  readonly figures: readonly Measured[];
  readonly rounds: number;
  /** Measures our side once: a value for each of the figures. */
  ours(): Promise<readonly number[]>;
  /** Measures the peer once, in the same way. */
  peers(): Promise<readonly number[]>;
}

/**
 * Measures two sides in turns, the order changing from round to round, after one round that does not count.
 * Rejects with whatever a side rejects with.
 */
export async function compare(comparison: Comparison): Promise<BenchFigure> {
  const { rounds } = comparison;
  const ours = async () => [await comparison.ours()];
  const peers = async () => [await comparison.peers()];
  const [figure] = await compareSeveral({ figures: [comparison], rounds, ours, peers });
  return figure!;
}

/** `compare` for a piece of work of which several things are measured at once, such as its seconds and its processor time. */
export async function compareSeveral(comparison: ComparisonOfSeveral): Promise<BenchFigure[]> {
  const { figures, rounds } = comparison;
  const values: (readonly number[])[] = [];
  const peerValues: (readonly number[])[] = [];
  for (let round = -1; round < rounds; round++) {
    const oursFirst = round % 2 === 0;
    const early = await (oursFirst ? comparison.ours() : comparison.peers());
    const late = await (oursFirst ? comparison.peers() : comparison.ours());
    if (round < 0) continue;
    values.push(oursFirst ? early : late);
    peerValues.push(oursFirst ? late : early);
  }
  return figures.map((measured, i) =>
    summarize(
      measured,
      values.map((value) => value[i]!),
      peerValues.map((value) => value[i]!),
    ),
  );
}

function summarize(measured: Measured, values: readonly number[], peerValues: readonly number[]): BenchFigure {
  const { name, unit, peer, peer_gives, target, bound, smallerIsBetter = false } = measured;
  const ratios = values.map((value, round) => {
    const peerValue = peerValues[round]!;
    return smallerIsBetter ? peerValue / value : value / peerValue;
  });
  const ratio = quantile(ratios, 0.5);
  const value = quantile(values, 0.5);
  const isWithin = bound === undefined || (smallerIsBetter ? value <= bound : value >= bound);
  return {
    name,
    value: rounded(value),
    unit,
    peer,
    peer_value: rounded(quantile(peerValues, 0.5)),
    ratio: rounded(ratio),
    target,
    ...(bound !== undefined && { bound }),
    holds: ratio >= target && isWithin,
    ...(peer_gives !== undefined && { peer_gives }),
    rounds: values.length,
    quartiles: quartilesOf(values),
    peer_quartiles: quartilesOf(peerValues),
    ratio_quartiles: quartilesOf(ratios),
  };
}

export interface Measurement {
  readonly name: string;
  readonly unit: string;
  readonly target: number;
  readonly rounds: number;
  /** Measures once, in `unit`. */
  ours(): Promise<number> | number;
  readonly smallerIsBetter?: boolean;
}

/** Measures something by itself, after one round that does not count. Rejects with whatever it rejects with. */
export async function measure(measurement: Measurement): Promise<OwnFigure> {
  const { name, unit, target, rounds, smallerIsBetter = false } = measurement;
  const values: number[] = [];
  for (let round = -1; round < rounds; round++) {
    const value = await measurement.ours();
    if (round >= 0) values.push(value);
  }
  const value = quantile(values, 0.5);
  const holds = smallerIsBetter ? value <= target : value >= target;
  return { name, value: rounded(value), unit, target, holds, rounds, quartiles: quartilesOf(values) };
}

/** The seconds that a piece of work takes. */
export async function secondsOf(work: () => Promise<unknown> | unknown): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}

/** The q-quantile of some numbers, between neighbours by linear interpolation. Throws on none. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new RangeError("There is no quantile of no values.");
  const sorted = [...values].sort((a, b) => a - b);
  const position = (sorted.length - 1) * q;
  const below = sorted[Math.floor(position)]!;
  const above = sorted[Math.ceil(position)]!;
  return below + (above - below) * (position - Math.floor(position));
}

function quartilesOf(values: readonly number[]): Quartiles {
  return [rounded(quantile(values, 0.25)), rounded(quantile(values, 0.75))];
}

/** Four significant digits: more would be noise. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
