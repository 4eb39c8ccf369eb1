"""The battery of CityLearn 1.8.0 and the basic rule, in plain Python: a second opinion on the TypeScript environment.

Operations stand in the order that CityLearn has them, so that results agree to the last digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import sqrt

CAPACITY = 6.4  # kWh, of a new battery
POWER = 5.0  # kW
CAPACITY_LOSS = 1e-5

# Knots (x, y): power limit over state of charge, efficiency of a round trip over power; both as fractions.
POWER_CURVE = ((0.0, 0.8, 1.0), (1.0, 1.0, 0.2))
EFFICIENCY_CURVE = ((0.0, 0.3, 0.7, 0.8, 1.0), (0.83, 0.83, 0.9, 0.9, 0.85))


def segment(knots: Sequence[float], value: float) -> int:
    """The segment before the first knot that is not below ``value``; the first one where there is none."""
    reached = next((j for j, knot in enumerate(knots) if value <= knot), 0)
    return max(0, reached - 1)


def power_limit(charge: float) -> float:
    x, y = POWER_CURVE
    i = segment(x, charge)
    return POWER * (y[i] + (y[i + 1] - y[i]) * (charge - x[i]) / (x[i + 1] - x[i]))


def one_way_efficiency(power: float) -> float:
    x, y = EFFICIENCY_CURVE
    i = segment(x, power)
    return sqrt(y[i] + (power - x[i]) * (y[i + 1] - y[i]) / (x[i + 1] - x[i]))


def simulate(actions: Iterable[float]) -> tuple[list[float], list[float]]:
    """The charge [kWh] at, and the energy into the battery [kWh] during, every hour of a year that starts empty.

    The first hour cannot be influenced, so there is one hour more than there are actions.
    """
    charge, capacity, before = 0.0, CAPACITY, CAPACITY
    charges, balances = [0.0], [0.0]
    for action in actions:
        asked = action * capacity
        limit = power_limit(charge / before)
        energy = min(asked, limit) if asked >= 0 else max(-limit, asked)
        efficiency = one_way_efficiency(abs(energy) / POWER)
        moved_to = (
            min(charge + energy * efficiency, capacity) if energy >= 0 else max(0.0, charge + energy / efficiency)
        )
        moved = moved_to - charge
        balance = moved / efficiency if moved >= 0 else moved * efficiency
        charge, before = moved_to, capacity
        capacity -= CAPACITY_LOSS * CAPACITY * abs(balance) / (2 * capacity)
        charges.append(charge)
        balances.append(balance)
    return charges, balances


def basic_rule(hour: int) -> float:
    """CityLearn's BasicBatteryRBC: charges from 6 to 14 h, discharges slowly in all other hours."""
    return 0.11 if 6 <= hour <= 14 else -0.067
