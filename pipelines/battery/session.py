"""A Spark session for a program that a person runs on a terminal: quiet, interruptible, nothing left behind."""

from __future__ import annotations

import argparse
import logging
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

# Local workers import what the driver imports, and the JVM asks no resolver for this machine's name.
os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")

from interruption import interruptible, shielded_children
from pyspark.sql import SparkSession
from pyspark_rayflight import check_endpoint, explain

STOPPING_SECONDS = 20.0


class Failure(Exception):
    """A reason to end with exit code 1; its message is one line that says what to do."""


def run(name: str, given: argparse.Namespace, program: Callable[[SparkSession], int]) -> int:
    """Runs ``program`` in a Spark session on ``given.master`` and returns its exit code.

    Before Spark starts, an endpoint must answer at ``given.uri``. A failure that says what to do prints one line, any
    other its whole story, with Spark's log if Spark did not start. Ctrl-C and SIGTERM cancel Spark's jobs, so that Spark
    aborts a write in flight, and end with 130 or 143; a second one does not wait.
    """
    with tempfile.TemporaryFile() as log, interruptible() as interruption:
        spark: SparkSession | None = None
        try:
            check_endpoint(given.uri, given.token)
            with stderr_into(log), shielded_children():
                spark = create_session(name, given.master)
            interruption.cancels(spark)
            return program(spark)
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - it is told, and the session must be stopped
            if interruption.signal is not None:
                print("interrupted: a write that was not finished has been dropped whole", file=sys.stderr)
                return 128 + interruption.signal
            line = str(error) if isinstance(error, Failure) else explain(error)
            if line is None:
                if spark is None:
                    sys.stderr.write(tail(log))
                traceback.print_exc()  # now: the JVM, which has part of the story, is about to go
            else:
                print(f"error: {line}", file=sys.stderr)
            return 1
        finally:
            interruption.over()
            if spark is not None:
                stop(spark)


def create_session(name: str, master: str) -> SparkSession:
    """A session that suits small tables; on a local master all that it opens is open to this machine alone."""
    builder = (
        SparkSession.builder.appName(name)
        .master(master)
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "4")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "65536")
    )
    if master.startswith("local"):
        builder = (
            builder.config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            # The JVM lives half a minute: its optimising compiler would cost as much again and be of no use.
            .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1")
        )
    return builder.getOrCreate()


def stop(spark: SparkSession) -> None:
    """Stops Spark and waits for its JVM to be gone, and with it the temporary folders that it removes as it ends."""
    gateway = spark.sparkContext._gateway
    jvm = getattr(gateway, "proc", None)
    logging.disable()  # all is told by now, and py4j would log a traceback for each call that the JVM's end cuts off
    spark.stop()
    gateway.shutdown()  # else a Java object that Python drops from now on is told to a JVM that may be gone, with a traceback
    if isinstance(jvm, subprocess.Popen) and jvm.stdin is not None:
        jvm.stdin.close()
        try:
            jvm.wait(STOPPING_SECONDS)
        except subprocess.TimeoutExpired:
            jvm.kill()


def arguments(description: str | None) -> argparse.ArgumentParser:
    """A parser of the options that every program here has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--uri", required=True, help="Flight endpoint, such as grpc://127.0.0.1:8815")
    parser.add_argument("--token", help="its token (default: the environment's RAYFLIGHT_TOKEN)")
    parser.add_argument("--master", default="local[*]", help="Spark master (default: %(default)s)")
    return parser


@contextmanager
def stderr_into(log: BinaryIO) -> Iterator[None]:
    """What is started inside writes its standard error into ``log``: the JVM has much to say when nothing is wrong."""
    sys.stderr.flush()
    terminal = os.dup(2)
    os.dup2(log.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(terminal, 2)
        os.close(terminal)


def tail(log: BinaryIO) -> str:
    """The last part of what Spark has logged."""
    size = log.seek(0, os.SEEK_END)
    log.seek(max(0, size - 20_000))
    return log.read().decode(errors="replace")
