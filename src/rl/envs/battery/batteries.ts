/** A new battery's capacity [kWh]. */
export const capacity = 6.4;
/** The most a battery takes or gives in an hour [kWh]. */
export const nominalPower = 5;
/** The largest action that can matter: a whole hour at nominal power. */
export const actionBound = nominalPower / capacity;

const fade = 1e-5 * capacity;

/**
 * The batteries of `count` houses, as CityLearn 1.8.0 moves them with the 2022 challenge's attributes.
 *
 * An action asks to charge (> 0) or discharge (< 0) that share of the capacity, seen from outside the battery; it is
 * limited by power, never clipped. NaN asks for nothing. `balance` is what really went through the terminals [kWh].
 */
export class Batteries {
  readonly count: number;
  /** Energy held [kWh]. */
  readonly stored: Float64Array;
  /** Energy moved by the last step, at the terminals [kWh]. */
  readonly balance: Float64Array;
  /** Capacity left [kWh]: it fades with the energy moved. */
  readonly capacity: Float64Array;
  /** Capacity one step earlier, by which CityLearn 1.8.0 measures how full a battery is. */
  readonly previousCapacity: Float64Array;

  constructor(count: number) {
    this.count = count;
    this.stored = new Float64Array(count);
    this.balance = new Float64Array(count);
    this.capacity = new Float64Array(count);
    this.previousCapacity = new Float64Array(count);
    this.reset();
  }

  /** Makes all batteries new and empty. */
  reset(): void {
    this.stored.fill(0);
    this.balance.fill(0);
    this.capacity.fill(capacity);
    this.previousCapacity.fill(capacity);
  }

  /** Moves every battery by its action for an hour. */
  step(actions: ArrayLike<number>): void {
    for (let i = 0; i < this.count; i++) {
      const stored = this.stored[i]!;
      const left = this.capacity[i]!;
      const limit = powerLimit(stored / this.previousCapacity[i]!);
      const asked = (actions[i]! || 0) * left;
      const energy = asked >= 0 ? Math.min(asked, limit) : Math.max(-limit, asked);
      const efficiency = oneWayEfficiency(Math.abs(energy) / nominalPower);

      const now =
        energy >= 0 ? Math.min(stored + energy * efficiency, left) : Math.max(0, stored + energy / efficiency);
      const moved = now - stored;
      const balance = moved >= 0 ? moved / efficiency : moved * efficiency;

      this.stored[i] = now;
      this.balance[i] = balance;
      this.previousCapacity[i] = left;
      this.capacity[i] = left - (fade * Math.abs(balance)) / (2 * left);
    }
  }
}

/** The most energy an hour may move at a state of charge: all of it up to 80 %, falling to a fifth at 100 %. */
function powerLimit(charge: number): number {
  // CityLearn finds no knot beyond 100 % (a battery may be fuller than its faded capacity) and takes the first segment.
  if (charge <= 0.8 || charge > 1) return nominalPower;
  return nominalPower * (1 + ((0.2 - 1) * (charge - 0.8)) / (1 - 0.8));
}

/** The square root of the round trip's efficiency at a share of nominal power. */
function oneWayEfficiency(power: number): number {
  if (power <= 0.3) return Math.sqrt(0.83);
  if (power <= 0.7) return Math.sqrt(0.83 + ((power - 0.3) * (0.9 - 0.83)) / (0.7 - 0.3));
  if (power <= 0.8) return Math.sqrt(0.9);
  return Math.sqrt(0.9 + ((power - 0.8) * (0.85 - 0.9)) / (1 - 0.8));
}
