/** Rows of one block of the load factor: a twelfth of a year. */
const blockRows = 730;

/** What a district's year adds up to. */
export interface DistrictSums {
  /** Money paid, houses netting each other inside an hour, an exporting hour counting 0 [$]. */
  cost: number;
  /** Carbon emitted, an exporting house counting 0 [kg]. */
  emissions: number;
  /** How much the district's net consumption changes from hour to hour [kWh]. */
  ramping: number;
  /** One less the load factor (mean over peak), averaged over the year's twelfths. */
  loadFactor: number;
}

/** The scores of the 2022 challenge: ratios to the same houses without batteries, lower is better. */
export interface Scores {
  price: number;
  emission: number;
  ramping: number;
  loadFactor: number;
  /** Mean of ramping and load factor. */
  grid: number;
  /** Mean of price, emission and grid: the challenge's one number. */
  score: number;
}

/** Relates a district's sums to the same houses' sums without batteries. */
export function challengeScores(sums: DistrictSums, baseline: DistrictSums): Scores {
  const price = sums.cost / baseline.cost;
  const emission = sums.emissions / baseline.emissions;
  const ramping = sums.ramping / baseline.ramping;
  const loadFactor = sums.loadFactor / baseline.loadFactor;
  const grid = (ramping + loadFactor) / 2;
  return { price, emission, ramping, loadFactor, grid, score: (price + emission + grid) / 3 };
}

/** Adds up a district hour by hour, from row 0 on, without keeping the rows. */
export class DistrictMeter {
  readonly #price: ArrayLike<number>;
  readonly #carbon: ArrayLike<number>;
  #rows = 0;
  #cost = 0;
  #emissions = 0;
  #ramping = 0;
  #last = 0;
  #blockSum = 0;
  #blockPeak = Number.NEGATIVE_INFINITY;
  #blocks = 0;
  #loadFactors = 0;

  constructor(price: ArrayLike<number>, carbon: ArrayLike<number>) {
    this.#price = price;
    this.#carbon = carbon;
  }

  /** Forgets all rows. */
  reset(): void {
    this.#rows = 0;
    this.#cost = 0;
    this.#emissions = 0;
    this.#ramping = 0;
    this.#blockSum = 0;
    this.#blockPeak = Number.NEGATIVE_INFINITY;
    this.#blocks = 0;
    this.#loadFactors = 0;
  }

  /** Adds the next row: every house's net consumption in one hour [kWh]. */
  add(net: Float64Array): void {
    const price = this.#price[this.#rows]!;
    const carbon = this.#carbon[this.#rows]!;
    let district = 0;
    let cost = 0;
    for (let i = 0; i < net.length; i++) {
      const house = net[i]!;
      district += house;
      cost += house * price;
      this.#emissions += Math.max(0, house * carbon);
    }
    this.#cost += Math.max(0, cost);
    if (this.#rows > 0) this.#ramping += Math.abs(district - this.#last);
    this.#last = district;
    this.#blockSum += district;
    this.#blockPeak = Math.max(this.#blockPeak, district);
    this.#rows++;
    if (this.#rows % blockRows === 0) this.#closeBlock();
  }

  /** What the rows so far add up to; a block of the load factor counts once it is whole. */
  sums(): DistrictSums {
    return {
      cost: this.#cost,
      emissions: this.#emissions,
      ramping: this.#ramping,
      loadFactor: this.#loadFactors / this.#blocks,
    };
  }

  #closeBlock(): void {
    this.#loadFactors += 1 - this.#blockSum / blockRows / this.#blockPeak;
    this.#blocks++;
    this.#blockSum = 0;
    this.#blockPeak = Number.NEGATIVE_INFINITY;
  }
}
