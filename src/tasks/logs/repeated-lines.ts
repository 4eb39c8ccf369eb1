/** A line that came again from other workers. */
export interface Repetition {
  readonly line: string;
  /** The worker that it came from last. */
  readonly from: string;
  readonly count: number;
}

interface Seen {
  since: number;
  count: number;
  line: string;
  from: string;
  readonly workers: Set<string>;
}

/** Lines that are remembered at once. */
const mostLines = 5000;
const hasDigit = /\d/;

/**
 * Folds what many workers say alike: the first line is printed, those like it from other workers within a window are counted, and
 * the count is told when the window ends. Lines are alike when they differ only in words with digits. What one worker
 * alone says is never folded.
 */
export class RepeatedLines {
  readonly #window: number;
  readonly #seen = new Map<string, Seen>();

  constructor(windowMilliseconds: number) {
    this.#window = windowMilliseconds;
  }

  /** Whether a line is to be printed now. */
  admit(line: string, from: string, now: number): boolean {
    const key = line
      .split(/\s+/)
      .filter((word) => !hasDigit.test(word))
      .join(" ")
      .trim();
    if (key === "") return true;
    const seen = this.#seen.get(key);
    if (seen === undefined) {
      if (this.#seen.size < mostLines)
        this.#seen.set(key, { since: now, count: 0, line, from, workers: new Set([from]) });
      return true;
    }
    seen.workers.add(from);
    if (seen.workers.size === 1) return true;
    seen.count += 1;
    seen.line = line;
    seen.from = from;
    return false;
  }

  /** The lines whose window has ended, or all, with how often they were folded. */
  due(now: number, all = false): Repetition[] {
    const repetitions: Repetition[] = [];
    for (const [key, { since, count, line, from }] of this.#seen) {
      if (!all && now - since < this.#window) continue;
      this.#seen.delete(key);
      if (count > 0) repetitions.push({ line, from, count });
    }
    return repetitions;
  }

  /** Whether anything waits for the end of its window. */
  get isEmpty(): boolean {
    return this.#seen.size === 0;
  }
}
