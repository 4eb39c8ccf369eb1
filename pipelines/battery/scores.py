"""The scores of the 2022 CityLearn Challenge, of every house and of the district that the houses of a phase form."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

DISTRICT = 0  # stands where the number of a building does
BLOCK_HOURS = 730
BASELINE = "none"


@dataclass(frozen=True)
class Scores:
    """Ratios to the same houses without batteries: lower is better, 1 is no better than no battery."""

    price: float
    emission: float
    grid: float
    score: float

    def to_json(self) -> dict[str, float]:
        return asdict(self)


def score(nets: DataFrame) -> dict[tuple[int, int, str], Scores]:
    """Scores by phase, building (or DISTRICT) and controller.

    ``nets`` has a row per phase, building, t and controller with its ``net`` [kWh], ``price`` and ``carbon``; one of the
    controllers is BASELINE.
    """
    houses = nets.select(
        *("phase", "building", "controller", "t", "net"),
        (F.col("net") * F.col("price")).alias("cost"),
        F.greatest(F.lit(0.0), F.col("net") * F.col("carbon")).alias("emission"),
    )
    # Inside an hour the houses of a district net each other's cost, but not their emissions.
    district = houses.groupBy("phase", F.lit(DISTRICT).alias("building"), "controller", "t").agg(
        *(F.sum(name).alias(name) for name in ("net", "cost", "emission"))
    )
    series = ["phase", "building", "controller"]
    ramp = F.abs(F.col("net") - F.lag("net").over(Window.partitionBy(*series).orderBy("t")))
    block = F.floor(F.col("t") / BLOCK_HOURS)
    blocks = (
        houses.unionByName(district)
        .withColumns({"ramp": ramp, "block": block})
        .groupBy(*series, "block")
        .agg(
            F.sum(F.greatest(F.lit(0.0), "cost")).alias("cost"),
            F.sum("emission").alias("emission"),
            F.sum("ramp").alias("ramp"),
            (1 - F.avg("net") / F.max("net")).alias("load_factor"),
        )
    )
    sums = blocks.groupBy(*series).agg(
        *(F.sum(name).alias(name) for name in ("cost", "emission", "ramp")), F.avg("load_factor").alias("load_factor")
    )
    found = {(row.phase, row.building, row.controller): row for row in sums.collect()}
    result = {}
    for (phase, building, controller), row in found.items():
        base = found[phase, building, BASELINE]
        price, emission = row.cost / base.cost, row.emission / base.emission
        grid = (row.ramp / base.ramp + row.load_factor / base.load_factor) / 2
        result[phase, building, controller] = Scores(price, emission, grid, (price + emission + grid) / 3)
    return result
