"""The data source itself, with one real accident in the second partition's first attempt, or on the driver."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql.datasource import WriterCommitMessage
from pyspark.sql.types import StructType
from pyspark_rayflight import DefaultSource
from pyspark_rayflight.options import WriteOptions
from pyspark_rayflight.writer import DatasetWriter, StagedPart


class FaultySource(DefaultSource):
    """``format("rayflight-faulty")``: takes the options ``fault`` and ``marker``, a file made when the accident happens."""

    @classmethod
    def name(cls) -> str:
        return "rayflight-faulty"

    def writer(self, schema: StructType, overwrite: bool) -> DatasetWriter:
        options = dict(self.options)
        fault, marker = options.pop("fault"), options.pop("marker")
        return FaultyWriter(WriteOptions.parse(options, overwrite), schema, fault, marker)


class FaultyWriter(DatasetWriter):
    def __init__(self, options: WriteOptions, schema: StructType, fault: str, marker: str) -> None:
        super().__init__(options, schema)
        self.fault = fault
        self.marker = marker

    def write(self, iterator: Iterator[pa.RecordBatch]) -> StagedPart:
        if not is_unlucky():
            return super().write(iterator)
        part = super().write(self.until_accident(iterator))
        self.accident("raises after its part was staged")
        return part

    def until_accident(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield next(batches)
        self.accident("is killed mid-stream", kill=True)
        self.accident("raises mid-stream")
        yield from batches

    def commit(self, messages: list[WriterCommitMessage | None]) -> None:
        self.accident("commit raises before the seal")
        super().commit(messages)
        self.accident("commit raises after the seal")

    def accident(self, fault: str, kill: bool = False) -> None:
        if self.fault != fault:
            return
        Path(self.marker).touch()
        if kill:
            os.kill(os.getpid(), signal.SIGKILL)
        raise RuntimeError(f"accident: {fault}")


def is_unlucky() -> bool:
    context = TaskContext.get()
    return context is not None and context.partitionId() == 1 and context.attemptNumber() == 0
