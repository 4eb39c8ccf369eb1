"""Raw CSVs of the 2022 CityLearn Challenge become datasets in the object store. No file in between.

    python pipelines/battery/prepare.py --uri grpc://127.0.0.1:8815

Reads the houses of phases 1, 2 and 3 from the unpacked wheel CityLearn 1.8.0, joins them with weather, price and carbon
intensity, builds features, and writes battery/phase_1, battery/phase_2 and battery/phase_3: a row per house and hour, a
part per house, in order of time.

No feature of row t uses load or solar of a later row. The only look-ahead is the data's own *_predicted columns, which
are the actual future. Means and scales come from phase 1 alone and travel in the schema's metadata.
"""

from __future__ import annotations

import json
import math
import sys
import time

import session
from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

HOURS = 8760
PHASES = (1, 2, 3)
LEARNED_PHASE = 1
FOLDER = "{data}/citylearn/data/citylearn_challenge_2022_phase_[123]"

AHEAD = ("6h", "12h", "24h")
WEATHER = (
    "outdoor_dry_bulb_temperature",
    "outdoor_relative_humidity",
    "diffuse_solar_irradiance",
    "direct_solar_irradiance",
)


def with_predictions(name: str) -> list[str]:
    return [name, *(f"{name}_predicted_{ahead}" for ahead in AHEAD)]


# The columns of the CSVs by position: their own headings are not names.
HOUSE_CSV = [
    *("month", "hour", "day_type", "daylight_savings", "indoor_temperature", "unmet_setpoint", "indoor_humidity"),
    *("non_shiftable_load", "dhw", "cooling", "heating", "solar_watts_per_kilowatt"),
]
WEATHER_CSV = [*WEATHER, *(f"{name}_predicted_{ahead}" for name in WEATHER for ahead in AHEAD)]
PRICE_CSV = with_predictions("electricity_pricing")
CARBON_CSV = ["carbon_intensity"]

KEYS = ["building", "t"]
CALENDAR = ["month", "day_type", "hour"]
MEASURED = [
    *(column for name in WEATHER for column in with_predictions(name)),
    *("carbon_intensity", "non_shiftable_load", "solar_generation"),
    *PRICE_CSV,
]


def read_hours(spark: SparkSession, pattern: str, columns: list[str]) -> DataFrame:
    """A row per line of the CSVs that match, with the phase, the building (null for common data) and the hour ``t``.

    A year of hours is half a megabyte, so a file is one row and its lines get their numbers inside that row: ``t`` is
    the line's place in the file whatever way Spark splits the work.
    """
    files = spark.read.text(pattern, wholetext=True).select("value", "_metadata.file_path")
    path = F.col("file_path")
    lines = files.select(
        F.regexp_extract(path, r"phase_(\d+)/", 1).cast("int").alias("phase"),
        F.nullif(F.regexp_extract(path, r"Building_(\d+)\.csv", 1), F.lit("")).cast("int").alias("building"),
        F.posexplode(F.split("value", r"\r?\n")).alias("line", "text"),
    ).where((F.col("line") > 0) & (F.col("text") != ""))
    cells = F.from_csv("text", ", ".join(f"{name} DOUBLE" for name in columns), {"mode": "FAILFAST"})
    return lines.select("phase", "building", (F.col("line") - 1).alias("t"), F.inline(F.array(cells)))


def read_houses(spark: SparkSession, pattern: str) -> DataFrame:
    """Phase, building and nominal solar power [kW] of every house, from the challenge's schema.json."""
    layout = "buildings MAP<STRING, STRUCT<pv: STRUCT<attributes: STRUCT<nominal_power: DOUBLE>>>>"
    files = spark.read.text(pattern, wholetext=True).select("value", "_metadata.file_path")
    houses = files.select(
        F.regexp_extract("file_path", r"phase_(\d+)/", 1).cast("int").alias("phase"),
        F.explode(F.from_json("value", layout)["buildings"]).alias("name", "house"),
    )
    building = F.regexp_extract("name", r"(\d+)$", 1).cast("int")
    return houses.select(
        "phase", building.alias("building"), F.col("house.pv.attributes.nominal_power").alias("pv_power")
    )


def read_raw(spark: SparkSession, data: str) -> tuple[DataFrame, DataFrame]:
    """Every house and hour with all that was measured, under CityLearn's names; and the houses that there should be."""
    folder = FOLDER.format(data=data.rstrip("/"))
    try:
        hours = read_hours(spark, f"{folder}/Building_*.csv", HOUSE_CSV)
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        raise session.Failure(f"There is no {folder}. Give --data the folder of CityLearn 1.8.0, unpacked.") from None
    houses = read_houses(spark, f"{folder}/schema.json")
    common = [
        read_hours(spark, f"{folder}/{name}.csv", columns).drop("building")
        for name, columns in (("weather", WEATHER_CSV), ("pricing", PRICE_CSV), ("carbon_intensity", CARBON_CSV))
    ]
    rows = hours.join(F.broadcast(houses), ["phase", "building"])
    for table in common:
        rows = rows.join(F.broadcast(table), ["phase", "t"])
    solar = F.col("pv_power") * F.col("solar_watts_per_kilowatt") / 1000
    rows = rows.withColumn("solar_generation", solar)
    calendar = (F.col(name).cast("int").alias(name) for name in CALENDAR)
    return rows.select("phase", *KEYS, *calendar, *MEASURED), houses


def check_complete(rows: DataFrame, houses: DataFrame) -> dict[int, list[int]]:
    """The buildings of each phase. Raises Failure unless every house has every hour of the year, without a gap."""
    gaps = F.count_if(F.greatest(*(F.col(name).isNull().cast("int") for name in [*CALENDAR, *MEASURED])) > 0)
    counts = rows.groupBy("phase", "building").agg(
        F.count_distinct("t").alias("hours"), F.count("*").alias("rows"), F.max("t").alias("last"), gaps.alias("gaps")
    )
    found: dict[int, list[int]] = {phase: [] for phase in PHASES}
    checked = houses.join(counts, ["phase", "building"], "left").na.fill(0, ["rows", "gaps"])
    for row in checked.orderBy("phase", "building").collect():
        if (row.hours, row.rows, row.last, row.gaps) != (HOURS, HOURS, HOURS - 1, 0):
            raise session.Failure(
                f"House {row.building} of phase {row.phase} has {row.rows} rows, {row.gaps} of them incomplete, "
                f"instead of {HOURS} whole ones. Fetch CityLearn 1.8.0 again."
            )
        found[row.phase].append(row.building)
    missing = [phase for phase in PHASES if not found[phase]]
    if missing:
        raise session.Failure(f"There are no houses for phase {missing[0]}. Give --data the unpacked CityLearn 1.8.0.")
    return found


def feature_columns() -> dict[str, Column]:
    """Every feature before it is normalised, in the order in which the controller sees them."""
    year = Window.partitionBy("phase", "building").orderBy("t")
    load, solar = F.col("non_shiftable_load"), F.col("solar_generation")

    def before(column: Column, hours: int) -> Column:
        return F.coalesce(F.lag(column, hours).over(year), F.first(column).over(year))

    def next_hour(column: Column) -> Column:
        """The coming hour as the same hour of the last three days was; as this hour is, while no day has passed."""
        day, two, three = (F.lag(column, 24 * days - 1).over(year) for days in (1, 2, 3))
        return F.coalesce((day + two + three) / 3, (day + two) / 2, day, column)

    def turn(column: str, period: int) -> Column:
        return F.col(column) * F.lit(2 * math.pi / period)

    return {
        "feature_hour_sin": F.sin(turn("hour", 24)),
        "feature_hour_cos": F.cos(turn("hour", 24)),
        "feature_month_sin": F.sin(turn("month", 12)),
        "feature_month_cos": F.cos(turn("month", 12)),
        "feature_weekend": (F.col("day_type") >= 6).cast("double"),
        "feature_load": load,
        "feature_load_lag1": before(load, 1),
        "feature_load_lag24": before(load, 24),
        "feature_load_next": next_hour(load),
        "feature_solar": solar,
        "feature_solar_lag1": before(solar, 1),
        "feature_solar_lag24": before(solar, 24),
        "feature_solar_next": next_hour(solar),
        "feature_price": F.col("electricity_pricing"),
        "feature_price_6h": F.col("electricity_pricing_predicted_6h"),
        "feature_price_12h": F.col("electricity_pricing_predicted_12h"),
        "feature_price_24h": F.col("electricity_pricing_predicted_24h"),
        "feature_carbon": F.col("carbon_intensity"),
        "feature_direct_6h": F.col("direct_solar_irradiance_predicted_6h"),
        "feature_direct_12h": F.col("direct_solar_irradiance_predicted_12h"),
        "feature_diffuse_6h": F.col("diffuse_solar_irradiance_predicted_6h"),
        "feature_temperature": F.col("outdoor_dry_bulb_temperature"),
        "feature_temperature_6h": F.col("outdoor_dry_bulb_temperature_predicted_6h"),
    }


UNSCALED = ("feature_hour_sin", "feature_hour_cos", "feature_month_sin", "feature_month_cos", "feature_weekend")


def measure(rows: DataFrame, features: list[str]) -> dict[str, dict[str, float]]:
    """Mean and scale of every feature over the phase that is learned from.

    Nine digits are kept: a sum's last digits depend on how the cluster splits it, and a dataset must not.
    """
    learned = rows.where(F.col("phase") == LEARNED_PHASE)
    means = {name: F.avg(name).alias(name) for name in features}
    scales = {name: F.stddev_pop(name).alias(f"{name}.scale") for name in features}
    found = learned.agg(*means.values(), *scales.values()).first()
    assert found is not None
    statistics = {}
    for name in features:
        mean, scale = (float(f"{value:.9g}") for value in (found[name], found[f"{name}.scale"]))
        statistics[name] = {"mean": 0.0, "scale": 1.0} if name in UNSCALED else {"mean": mean, "scale": scale or 1.0}
    return statistics


def normalised(rows: DataFrame, statistics: dict[str, dict[str, float]]) -> DataFrame:
    """Raw columns, then features as float32. No column is null: ``check_complete`` has seen it, coalesce tells Spark."""

    def feature(name: str, mean: float, scale: float) -> Column:
        return F.coalesce((F.col(name) - mean) / scale, F.lit(0.0)).cast("float").alias(name)

    raw = (F.coalesce(F.col(name), F.lit(0)).alias(name) for name in [*KEYS, *CALENDAR, *MEASURED])
    features = (feature(name, **statistic) for name, statistic in statistics.items())
    return rows.select("phase", *raw, *features)


def write(rows: DataFrame, phase: int, buildings: list[int], uri: str, token: str | None, metadata: str) -> str:
    """One dataset, one part per house, each sorted by time. Returns its name."""
    dataset = f"battery/phase_{phase}"
    place = F.array_position(F.array(*(F.lit(building) for building in buildings)), F.col("building")) - 1
    parts = (
        rows.where(F.col("phase") == phase)
        .drop("phase")
        .repartitionById(len(buildings), place.cast("int"))
        .sortWithinPartitions("t")
    )
    writer = parts.write.format("rayflight").option("uri", uri).option("dataset", dataset).option("metadata", metadata)
    if token:
        writer = writer.option("token", token)
    writer.mode("overwrite").save()
    return dataset


def prepare(spark: SparkSession, uri: str, data: str, token: str | None) -> int:
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"prepare  {time.monotonic() - started:5.1f} s  {text}", flush=True)

    say(f"Spark {spark.version} on {spark.sparkContext.master} reads {data}")
    raw, expected = read_raw(spark, data)
    features = feature_columns()
    rows = raw.withColumns(features).persist()
    houses = check_complete(rows, expected)
    say(f"{sum(map(len, houses.values()))} houses, {HOURS} hours each, joined with weather, price and carbon intensity")
    statistics = measure(rows, list(features))
    say(f"{len(features)} features, normalised by phase {LEARNED_PHASE} alone")
    ready = normalised(rows, statistics)
    metadata = json.dumps({"rayflight.features": json.dumps(statistics)})
    for phase, buildings in houses.items():
        dataset = write(ready, phase, buildings, uri, token, metadata)
        say(f"{dataset} sealed: {len(buildings)} parts, {len(buildings) * HOURS} rows")
    return 0


def main() -> int:
    parser = session.arguments(__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--data", default=".data/citylearn-1.8.0", help="CityLearn 1.8.0, unpacked (default: %(default)s)"
    )
    given = parser.parse_args()
    return session.run("battery: prepare", given, lambda spark: prepare(spark, given.uri, given.data, given.token))


if __name__ == "__main__":
    sys.exit(main())
