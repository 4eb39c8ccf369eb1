"""Threads other than the main one."""

from __future__ import annotations

from pyspark.sql import SparkSession


def activate(spark: SparkSession) -> None:
    """Makes ``spark`` the session of the calling thread, so that ``format("rayflight")`` is found from it.

    Call it first in every thread of your own that reads or writes: Spark looks Python data sources up in the session
    of the JVM thread behind the Python thread, and a new thread has none (DATA_SOURCE_NOT_FOUND).
    """
    jvm = spark.sparkContext._jvm
    assert jvm is not None
    jvm.SparkSession.setActiveSession(spark._jsparkSession)  # pyspark has no public way to say it
