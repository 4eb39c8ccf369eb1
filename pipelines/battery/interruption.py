"""Ctrl-C and SIGTERM for a program that drives Spark: the write in flight is aborted, not torn."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pyspark.sql import SparkSession


class Interruption:
    """Remembers the first SIGINT or SIGTERM, and cancels Spark's jobs from then on until ``over``."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self.ended = threading.Event()
        self.spark: SparkSession | None = None

    def arrived(self, number: int, _frame: object) -> None:
        first = self.signal is None
        self.signal = number
        if self.spark is None or not first:
            raise KeyboardInterrupt
        # Not from here: this thread may be inside a call to the JVM, which would have to end first. And not once: a
        # write starts several jobs in a row. The cancelled job makes that call raise, after Spark has aborted the write.
        threading.Thread(target=self.cancel, args=(self.spark,), daemon=True).start()

    def cancel(self, spark: SparkSession) -> None:
        with suppress(Exception):  # the session may end at any moment, and that is the goal
            while not self.ended.wait(0.1):
                spark.sparkContext.cancelAllJobs()

    def cancels(self, spark: SparkSession) -> None:
        self.spark = spark
        self.listen()  # again: Spark has put a handler of its own
        if self.signal is not None:
            raise KeyboardInterrupt

    def listen(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.arrived)

    def over(self) -> None:
        self.ended.set()


@contextmanager
def interruptible() -> Iterator[Interruption]:
    interruption = Interruption()
    interruption.listen()
    yield interruption


shielded = False
os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN) if shielded else None)


@contextmanager
def shielded_children() -> Iterator[None]:
    """What is started inside ignores SIGTERM: sent to the whole group it would end the JVM, which has a write to abort.

    The JVM ends when this process does, whatever the reason.
    """
    global shielded
    shielded = True
    try:
        yield
    finally:
        shielded = False
