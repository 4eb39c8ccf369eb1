"""A write that never ends by itself: four parts, three of which get staged. Somebody has to interrupt it.

    interrupted.py URI DATASET MODE

MODE `session` runs it as the pipelines run theirs, `plain` as a script that knows of no signals.
"""

from __future__ import annotations

import argparse
import os
import sys

os.environ["PYSPARK_PYTHON"] = sys.executable
os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"

import session
from pyspark.sql import SparkSession
from scenarios import gated, numbers, save


def main() -> int:
    uri, dataset, mode = sys.argv[1:]

    def program(spark: SparkSession) -> int:
        save(gated(numbers(spark, 4000), "/never"), uri, dataset)
        return 0

    if mode == "plain":
        spark = session.create_session("interrupted", "local[2]")
        return program(spark)
    given = argparse.Namespace(uri=uri, token=None, master="local[2]")
    return session.run("interrupted", given, program)


if __name__ == "__main__":
    sys.exit(main())
