"""What the tests ask of the driver. Every function returns facts; what they should be stands in the tests."""

from __future__ import annotations

import datetime
import decimal
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pyspark_rayflight as rayflight
from pyarrow import flight
from pyspark import InheritableThread, TaskContext
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F
from pyspark_rayflight.endpoint import Endpoint

WAIT_SECONDS = 60


def numbers(spark: SparkSession, rows: int, partitions: int = 4) -> DataFrame:
    return spark.range(0, rows, 1, partitions).select("id", (F.col("id") * 0.5).alias("half"))


def save(table: DataFrame, uri: str, dataset: str, mode: str = "append", **options: str) -> None:
    source = "rayflight-faulty" if "fault" in options else "rayflight"
    table.write.format(source).option("uri", uri).options(**options).mode(mode).save(dataset)


def load(spark: SparkSession, uri: str, dataset: str, **options: str) -> DataFrame:
    return spark.read.format("rayflight").option("uri", uri).options(**options).load(dataset)


def attempt(action: Callable[[], Any]) -> dict[str, Any]:
    """What an action came to: its result, or the line that explains its failure."""
    try:
        return {"result": action()}
    except Exception as error:  # noqa: BLE001 - the failure is the fact
        return {"error": rayflight.explain(error), "raw": str(error)[:4000]}


def content(spark: SparkSession, uri: str, dataset: str, **options: str) -> dict[str, Any]:
    table = load(spark, uri, dataset, **options)
    count, distinct, total, half = table.agg(
        F.count("*"), F.count_distinct("id"), F.sum("id"), F.sum("half")
    ).first() or (0, 0, 0, 0)
    return {"rows": count, "distinct": distinct, "sum": total, "half": half, "partitions": table.rdd.getNumPartitions()}


def state(uri: str, dataset: str) -> dict[str, Any]:
    """What the endpoint holds of a dataset, and what is left open."""
    status = Endpoint(uri).act("status", {})
    visible = next((d for d in status["datasets"] if d["dataset"] == dataset), None)
    return {"visible": visible, "transactions": status["transactions"], "store": status["store"]}


def write(
    spark: SparkSession, uri: str, dataset: str, rows: int, mode: str = "append", **options: str
) -> dict[str, Any]:
    """Writes numbers; reads them back with Spark if there is anything to read."""
    partitions = int(options.pop("partitions", "4"))
    outcome = attempt(lambda: save(numbers(spark, rows, partitions), uri, dataset, mode, **options))
    now = state(uri, dataset)
    found = attempt(lambda: content(spark, uri, dataset)) if now["visible"] else {}
    return {**outcome, **now, "content": found.get("result")}


def read(spark: SparkSession, uri: str, dataset: str, **options: str) -> dict[str, Any]:
    return attempt(lambda: content(spark, uri, dataset, **options))


def rows(spark: SparkSession, uri: str, dataset: str, **options: str) -> dict[str, Any]:
    """All rows as Spark gives them, and the schema as Spark has it."""

    def collect() -> dict[str, Any]:
        table = load(spark, uri, dataset, **options)
        return {"schema": table.schema.simpleString(), "rows": [list(row) for row in table.collect()]}

    return attempt(collect)


def without_endpoint(spark: SparkSession, uri: str | None) -> dict[str, Any]:
    """A read and a write with an address that is missing, malformed, or where nobody listens."""
    options = {} if uri is None else {"uri": uri}
    return {
        "read": attempt(lambda: spark.read.format("rayflight").options(**options).load("any").count()),
        "write": attempt(
            lambda: numbers(spark, 10).write.format("rayflight").options(**options).mode("append").save("any")
        ),
    }


def with_token(spark: SparkSession, uri: str, token: str | None) -> dict[str, Any]:
    options = {} if token is None else {"token": token}

    def both() -> int:
        save(numbers(spark, 10), uri, "guarded", "overwrite", **options)
        return load(spark, uri, "guarded", **options).count()

    return attempt(both)


def every_type(spark: SparkSession, uri: str, dataset: str) -> dict[str, Any]:
    """A table of every common type, with nulls, written and read back."""
    schema = (
        "b boolean, i8 byte, i16 short, i32 int, i64 long, f float, d double, n decimal(20,4), s string, x binary, "
        "day date, at timestamp, local timestamp_ntz, list array<int>, pair struct<a:int,b:string>, map map<string,double>"
    )
    full = Row(
        *(True, 1, 2, 3, 4, 1.5, 2.5, decimal.Decimal("12345.6789"), "text ✓", bytearray(b"\0\1")),
        *(datetime.date(2022, 8, 1), datetime.datetime(2022, 8, 1, 12, 30), datetime.datetime(2022, 8, 1, 12, 30)),
        *([1, None, 3], Row(a=1, b="z"), {"k": 0.25}),
    )
    empty = Row(*(None for _ in full))
    table = spark.createDataFrame([full, empty], schema)
    save(table, uri, dataset, "overwrite", metadata=json.dumps({"owner": "grid team"}))
    back = load(spark, uri, dataset)
    described = Endpoint(uri).schema(dataset, None)
    return {
        "same": back.schema == table.schema and sorted(map(str, back.collect())) == sorted(map(str, table.collect())),
        "metadata": {key.decode(): value.decode() for key, value in (described.metadata or {}).items()},
    }


def not_null(spark: SparkSession, uri: str, dataset: str) -> dict[str, Any]:
    """Whether a column that may not be null is still so at the endpoint and back in Spark."""
    table = spark.range(10)
    save(table, uri, dataset, "overwrite")
    return {
        "stored": Endpoint(uri).schema(dataset, None).field("id").nullable,
        "back": load(spark, uri, dataset).schema["id"].nullable,
    }


def foreign_types(spark: SparkSession, uri: str, dataset: str) -> dict[str, Any]:
    """A table of types that Spark lacks, put by a plain Flight client, read by Spark."""
    table = pa.table(
        {
            "word": pa.array(["a", "b", "a"]).dictionary_encode(),
            "u8": pa.array([1, 2, 255], pa.uint8()),
            "u32": pa.array([1, 2, 2**32 - 1], pa.uint32()),
            "u64": pa.array([1, 2, 2**64 - 1], pa.uint64()),
            "at": pa.array([0, 1, 1000], pa.timestamp("ms", tz="Europe/Berlin")),
            "long": pa.array(["x", "y", "z"], pa.large_string()),
            "list": pa.array([[1, 2], [3], []], pa.large_list(pa.uint16())),
        }
    )
    with flight.connect(uri) as client:
        writer, _ = client.do_put(flight.FlightDescriptor.for_path(*dataset.split("/")), table.schema)
        with writer:
            writer.write_table(table)
    return rows(spark, uri, dataset)


def save_mode(spark: SparkSession, uri: str) -> dict[str, Any]:
    """Spark's own default mode, which it does not pass on."""
    return attempt(lambda: numbers(spark, 10).write.format("rayflight").option("uri", uri).save("any"))


def failing_job(spark: SparkSession, uri: str, dataset: str, mode: str) -> dict[str, Any]:
    """A job whose third partition fails in every attempt, when others have staged their parts."""

    def fail(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        context = TaskContext.get()
        for batch in batches:
            yield batch
            if context is not None and context.partitionId() == 2:
                raise ValueError("accident: in every attempt")

    table = numbers(spark, 40_000)
    outcome = attempt(lambda: save(table.mapInArrow(fail, table.schema), uri, dataset, mode))
    return {**outcome, **state(uri, dataset)}


def part(
    uri: str, dataset: str, transaction: str, name: str, batch: pa.RecordBatch, announced: int | None
) -> dict[str, Any]:
    """One DoPut by plain pyarrow; without ``announced`` it ends without its end marker."""
    command = {"transaction": transaction, "dataset": dataset, "part": name, "attempt": 0}

    def put() -> dict[str, Any] | None:
        with flight.connect(uri) as client:
            descriptor = flight.FlightDescriptor.for_command(json.dumps(command).encode())
            writer, replies = client.do_put(descriptor, batch.schema)
            try:
                writer.write_batch(batch)
                if announced is not None:
                    writer.write_metadata(json.dumps({"rows": announced, "end": True}).encode())
                writer.done_writing()
                reply = replies.read()
                return None if reply is None else json.loads(reply.to_pybytes())
            finally:
                writer.close()

    return attempt(put)


def act(uri: str, action: str, **body: Any) -> dict[str, Any]:
    return attempt(lambda: Endpoint(uri).act(action, body))


def by_hand(spark: SparkSession, uri: str, dataset: str, script: list[dict[str, Any]]) -> dict[str, Any]:
    """Steps of the two-phase write by a plain client: puts of ``type`` columns, seals and aborts."""
    steps = []
    for step in script:
        transaction = step["transaction"]
        if step["do"] == "put":
            batch = pa.record_batch({"id": pa.array(range(step["rows"]), step.get("type", "int64"))})
            steps.append(part(uri, dataset, transaction, step["part"], batch, step.get("announced")))
        elif step["do"] == "seal":
            seal = {"transaction": transaction, "dataset": dataset, "mode": step.get("mode", "append")}
            steps.append(act(uri, "seal", **seal, parts=step["parts"]))
        else:
            steps.append(act(uri, "abort", transaction=transaction))
    return {"steps": steps, **state(uri, dataset)}


def gated(table: DataFrame, gate: str) -> DataFrame:
    """``table``, whose first partition does not end before the file ``gate`` is there."""

    def wait(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        context = TaskContext.get()
        yield from batches
        while context is not None and context.partitionId() == 0 and not os.path.exists(gate):
            time.sleep(0.02)

    return table.mapInArrow(wait, table.schema)


def until(uri: str, dataset: str, staged: int) -> None:
    """Returns once an open transaction on ``dataset`` has so many parts staged."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        if any(
            t["dataset"] == dataset and t["staged"] >= staged for t in Endpoint(uri).act("status", {})["transactions"]
        ):
            return
        time.sleep(0.02)
    raise TimeoutError(f"no {staged} parts of {dataset} were staged within {WAIT_SECONDS} s")


def overwrite_slowly(spark: SparkSession, uri: str, dataset: str, gate: str) -> dict[str, Any]:
    """What readers see before, while and after a dataset of 1,000 rows is overwritten by one of 400."""
    save(numbers(spark, 1000), uri, dataset, "overwrite")
    outcome: dict[str, Any] = {}

    def overwrite() -> None:
        rayflight.activate(spark)
        outcome.update(attempt(lambda: save(gated(numbers(spark, 400), gate), uri, dataset, "overwrite")))

    writer = threading.Thread(target=overwrite)
    before = content(spark, uri, dataset)
    writer.start()
    until(uri, dataset, staged=3)
    during = content(spark, uri, dataset)
    with open(gate, "w"):
        pass
    writer.join()
    return {**outcome, "before": before, "during": during, "after": content(spark, uri, dataset)}


def cancel(spark: SparkSession, uri: str, dataset: str, gate: str) -> dict[str, Any]:
    """A job group that is cancelled when three of four parts are staged."""
    outcome: dict[str, Any] = {}

    def job() -> None:
        rayflight.activate(spark)
        spark.sparkContext.setJobGroup("cancelled", "a write that is cancelled", True)
        outcome.update(attempt(lambda: save(gated(numbers(spark, 4000), gate), uri, dataset)))

    writer = InheritableThread(target=job)
    writer.start()
    until(uri, dataset, staged=3)
    spark.sparkContext.cancelJobGroup("cancelled")
    writer.join()
    return {**outcome, **state(uri, dataset)}


def from_threads(spark: SparkSession, uri: str, dataset: str) -> dict[str, Any]:
    """A thread that has no session yet, then two that append to one dataset at the same time."""
    outcomes: dict[str, Any] = {}

    def append(name: str, activate: bool) -> None:
        if activate:
            rayflight.activate(spark)
        outcomes[name] = attempt(lambda: save(numbers(spark, 10_000), uri, dataset))

    for group in ([("bare", False)], [("first", True), ("second", True)]):
        threads = [threading.Thread(target=append, args=arguments) for arguments in group]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return {**outcomes, "content": content(spark, uri, dataset)}
