"""A real Spark driver that a test steers: one JSON request a line on stdin, one JSON answer a line on stdout.

A request names a function of scenarios.py and its arguments. The driver ends when stdin does.
"""

from __future__ import annotations

import json
import os
import sys
import traceback

os.environ["PYSPARK_PYTHON"] = sys.executable
os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"

import scenarios
from faults import FaultySource
from pyspark.sql import SparkSession


def create_session() -> SparkSession:
    """Two task slots, four attempts a task, small batches, and a time zone that is not UTC."""
    spark = (
        SparkSession.builder.master("local[2,4]")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.session.timeZone", "America/Los_Angeles")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "1000")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("OFF")
    spark.dataSource.register(FaultySource)
    return spark


def main() -> None:
    spark = create_session()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(scenarios, request["scenario"])(spark, **request["arguments"])
            print(json.dumps({"answer": answer}, default=str), flush=True)
        except Exception:  # noqa: BLE001 - the test that asked shows it
            print(json.dumps({"crash": traceback.format_exc()}), flush=True)
    spark.stop()


if __name__ == "__main__":
    main()
