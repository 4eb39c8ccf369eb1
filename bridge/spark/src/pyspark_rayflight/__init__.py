"""Spark data source ``rayflight``: DataFrames into and out of a rayflight object store over Arrow Flight.

Spark imports every top-level module named ``pyspark_*`` and registers its ``DefaultSource``: installing this package is
all it takes for ``format("rayflight")`` to work.
"""

from pyspark_rayflight.endpoint import check_endpoint
from pyspark_rayflight.errors import RayflightError, explain
from pyspark_rayflight.session import activate
from pyspark_rayflight.source import DefaultSource

__all__ = ["DefaultSource", "RayflightError", "activate", "check_endpoint", "explain"]
