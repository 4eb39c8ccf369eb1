"""The data source as Spark sees it: which writer, which reader, which schema."""

from __future__ import annotations

from pyspark.sql.datasource import DataSource
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from pyspark_rayflight.columns import readable
from pyspark_rayflight.endpoint import Endpoint
from pyspark_rayflight.options import ReadOptions, WriteOptions
from pyspark_rayflight.reader import DatasetReader
from pyspark_rayflight.writer import DatasetWriter


class DefaultSource(DataSource):
    """``format("rayflight")``. Spark makes one in a helper process of the driver for every read and every write."""

    @classmethod
    def name(cls) -> str:
        return "rayflight"

    def schema(self) -> StructType:
        """The dataset's columns as Spark's types, in the dataset's order, or in that of the option ``columns``."""
        options = ReadOptions.parse(self.options)
        stored = Endpoint(options.uri, options.token).schema(options.dataset, options.version)
        return from_arrow_schema(readable(stored, options.columns, options.dataset))

    def reader(self, schema: StructType) -> DatasetReader:
        return DatasetReader(ReadOptions.parse(self.options), schema)

    def writer(self, schema: StructType, overwrite: bool) -> DatasetWriter:
        return DatasetWriter(WriteOptions.parse(self.options, overwrite), schema)
