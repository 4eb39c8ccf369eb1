"""What the battery controller is worth: Spark reads datasets and result streams back and scores them.

    python pipelines/battery/report.py --uri grpc://127.0.0.1:8815

Prints the challenge's scores per house and in total for no battery, the basic battery rule and the learned controller, on
the houses of phase 1, which it learned from, and of phases 2 and 3, which it never saw. Writes a learning curve and a week
of one house as SVG and PNG. Exits with 1 when the learned controller does not beat the rule on phases 1 and 2.

The rule's battery, and the learned controller's once more from its actions, are simulated here by an implementation of
their own: what the training claims is checked, not believed.
"""

from __future__ import annotations

import json
import math
import sys
from functools import reduce
from pathlib import Path

import battery
import pyarrow as pa
import session
from pyspark.sql import DataFrame, DataFrameReader, Row, SparkSession
from pyspark.sql import functions as F
from scores import DISTRICT, Scores, score

PHASES = {1: "learned from", 2: "never seen", 3: "never seen"}
JUDGED_PHASES = (1, 2)
CONTROLLERS = ("none", "rule", "learned")
TOLERANCE = 1e-9

READ = {
    "building": "building",
    "t": "t",
    "hour": "hour",
    "day_type": "day_type",
    "non_shiftable_load": "load",
    "solar_generation": "solar",
    "electricity_pricing": "price",
    "carbon_intensity": "carbon",
}
NETS = (
    "phase int, building int, t int, hour int, day_type int, load double, solar double, price double, carbon double, "
    "net_none double, net_rule double, net_learned double, soc double, difference double"
)


def read_hours(reader: DataFrameReader) -> DataFrame:
    """Every house and hour of all phases, under short names."""
    columns = ",".join(READ)
    phases = (
        reader.option("columns", columns)
        .load(f"battery/phase_{phase}")
        .select(F.lit(phase).alias("phase"), *(F.col(name).alias(short) for name, short in READ.items()))
        for phase in PHASES
    )
    return reduce(DataFrame.unionByName, phases)


def simulate_house(table: pa.Table) -> pa.Table:
    """One house's year: its net consumption under every controller, and how far the learned one's is from its actions'.

    The action of a row is the one that led to it; the first row has none.
    """
    table = table.sort_by("t")
    column = {name: table[name].to_pylist() for name in table.column_names}
    without = [load - solar for load, solar in zip(column["load"], column["solar"], strict=True)]
    _, rule = battery.simulate(battery.basic_rule(hour) for hour in column["hour"][:-1])
    _, learned = battery.simulate(column["action"][1:])
    told = column["net"]
    result = {
        "net_none": without,
        "net_rule": [net + balance for net, balance in zip(without, rule, strict=True)],
        "net_learned": told,
        "difference": [abs(net + b - t) for net, b, t in zip(without, learned, told, strict=True)],
    }
    for name in ("net", "action"):
        table = table.drop_columns(name)
    for name, values in result.items():
        table = table.append_column(name, pa.array(values, pa.float64()))
    return table.select([field.split()[0] for field in NETS.split(", ")])


def check_whole(joined: DataFrame, run: str) -> None:
    """Raises Failure unless every house has an action for every hour: a run that still goes on has not."""
    lacking = (
        joined.where(F.col("net").isNull()).groupBy("phase", "building").count().orderBy("phase", "building").first()
    )
    if lacking is not None:
        raise session.Failure(
            f"Run {run} has no actions for {lacking['count']} hours of house {lacking.building} (phase {lacking.phase}). "
            "Wait until its training has ended."
        )


def print_table(found: dict[tuple[int, int, str], Scores]) -> None:
    print(
        "\nScores of the 2022 CityLearn Challenge, ratios to the same houses without batteries: lower is better, 1 = no battery."
    )
    print(
        "grid: mean of ramping and load factor. total: houses net each other's cost inside an hour, so it is no mean.\n"
    )
    parts = f"{'price':>8}{'emission':>10}{'grid':>8}{'score':>8}"
    for phase, role in PHASES.items():
        print(
            f"phase {phase}, {role:<14}{'no battery':>11}    {'basic battery rule':<34}    {'learned controller':<34}"
        )
        print(f"{'':>33}    {parts}    {parts}")
        buildings = sorted({building for p, building, _ in found if p == phase and building != DISTRICT})
        for building in [*buildings, DISTRICT]:
            name = "total" if building == DISTRICT else f"house {building}"
            row = [found[phase, building, controller] for controller in CONTROLLERS]
            cells = (f"{s.price:8.3f}{s.emission:10.3f}{s.grid:8.3f}{s.score:8.3f}" for s in row[1:])
            print(f"  {name:<20}{row[0].score:11.3f}    {'    '.join(cells)}")
        print()


def judge(found: dict[tuple[int, int, str], Scores]) -> list[str]:
    """One line for every judged phase on which the learned controller is no better than the rule."""
    lines = []
    for phase in JUDGED_PHASES:
        rule, learned = (found[phase, DISTRICT, controller].score for controller in ("rule", "learned"))
        if not learned < rule:
            lines.append(f"on phase {phase} the learned controller scores {learned:.4f}, the basic rule {rule:.4f}")
    return lines


def to_json(run: str, found: dict[tuple[int, int, str], Scores], difference: float, iterations: list[Row]) -> str:
    phases: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
    for (phase, building, controller), scores in sorted(found.items()):
        name = "total" if building == DISTRICT else str(building)
        phases.setdefault(str(phase), {}).setdefault(name, {})[controller] = scores.to_json()
    updates = [row.asDict() for row in iterations]
    return json.dumps({"run": run, "phases": phases, "max_difference": difference, "iterations": updates}, indent=2)


def report(spark: SparkSession, uri: str, token: str | None, run: str, out: Path, json_file: str | None) -> list[str]:
    """Prints and draws the report. Returns why the learned controller does not beat the rule, if it does not."""
    spark.sparkContext.addPyFile(str(Path(battery.__file__).resolve()))
    reader = spark.read.format("rayflight").option("uri", uri)
    if token:
        reader = reader.option("token", token)
    print(f"report   Spark {spark.version} reads battery/runs/{run} from {uri}", flush=True)
    iterations = reader.load(f"battery/runs/{run}/iterations").orderBy("iteration").collect()
    if not iterations:
        raise session.Failure(f"Run {run} has no update yet. Wait until its training has ended.")
    actions = reader.load(f"battery/runs/{run}/actions").select("phase", "building", "t", "action", "soc", "net")
    joined = read_hours(reader).join(actions, ["phase", "building", "t"], "left").persist()
    check_whole(joined, run)
    nets = joined.groupBy("phase", "building").applyInArrow(simulate_house, NETS).persist()

    difference, hours = nets.agg(F.max("difference"), F.count("*")).first() or (math.nan, 0)
    print(f"report   {hours} house-hours simulated again from the actions: nets differ by at most {difference:.1e} kWh")
    if not difference <= TOLERANCE:
        raise session.Failure(
            f"The run's net consumption differs by {difference:.1e} kWh from what its actions give. Its environment is wrong."
        )
    series = [
        nets.select(
            "phase",
            "building",
            "t",
            "price",
            "carbon",
            F.lit(name).alias("controller"),
            F.col(f"net_{name}").alias("net"),
        )
        for name in CONTROLLERS
    ]
    found = score(reduce(DataFrame.unionByName, series))
    print_table(found)
    print(
        "The controller sees *_predicted columns of weather and price. They are no forecasts: they are the actual values"
    )
    print(
        "6, 12 and 24 hours ahead, as CityLearn gives them. Of load and solar it sees the past and the present hour only.\n"
    )
    for path in draw(nets, iterations, found, out):
        print(f"report   wrote {path}")
    if json_file:
        Path(json_file).write_text(to_json(run, found, difference, iterations) + "\n")
        print(f"report   wrote {json_file}")
    return judge(found)


def draw(nets: DataFrame, iterations: list[Row], found: dict[tuple[int, int, str], Scores], out: Path) -> list[Path]:
    """The learning curve, and the third week of the year of the first house that was never seen."""
    from plots import plot_learning, plot_week

    phase, week = 2, 2
    building = min(b for p, b, _ in found if p == phase and b != DISTRICT)
    first = 1 + 168 * week
    chosen = (F.col("phase") == phase) & (F.col("building") == building) & F.col("t").between(first, first + 167)
    hours = nets.where(chosen).orderBy("t").collect()
    title = f"House {building}, never seen in training: week {week + 1} of the year that starts on 1 August"
    return [
        plot_learning(iterations, found[1, DISTRICT, "rule"].score, out),
        plot_week(hours, title, out),
    ]


def main() -> int:
    parser = session.arguments(__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--run", default="latest", help="which run of the training (default: %(default)s)")
    parser.add_argument("--out", default="out/battery", help="folder of the pictures (default: %(default)s)")
    parser.add_argument("--json", metavar="FILE", help="writes all numbers as JSON, too")
    parser.add_argument("--no-verdict", action="store_true", help="do not fail when the rule is not beaten")
    given = parser.parse_args()

    def program(spark: SparkSession) -> int:
        worse = report(spark, given.uri, given.token, given.run, Path(given.out), given.json)
        if not worse:
            print("report   the learned controller beats the basic battery rule on phase 1 and on the unseen phase 2")
        elif given.no_verdict:
            print(f"report   {'; '.join(worse)}: not held against it here")
        else:
            raise session.Failure(f"{'; '.join(worse)}. Train with more updates, or with another seed.")
        return 0

    return session.run("battery: report", given, program)


if __name__ == "__main__":
    sys.exit(main())
