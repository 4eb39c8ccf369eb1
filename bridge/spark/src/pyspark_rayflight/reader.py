"""A batch read: a snapshot of one version, one Spark partition per endpoint that Flight names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyarrow import flight
from pyspark.sql.datasource import DataSourceReader, InputPartition
from pyspark.sql.types import StructType

from pyspark_rayflight.columns import conform, spark_arrow_schema
from pyspark_rayflight.endpoint import Endpoint
from pyspark_rayflight.errors import talking_to
from pyspark_rayflight.options import ReadOptions

SAME_CONNECTION = "arrow-flight-reuse-connection:"


@dataclass
class PartTicket(InputPartition):
    """One DoGet. Without a ticket it is the one empty partition that Spark makes of a dataset that has no parts."""

    ticket: bytes
    uri: str


class DatasetReader(DataSourceReader):
    """One scan. Spark makes it on the driver, asks it for partitions once, and pickles it to the tasks."""

    def __init__(self, options: ReadOptions, schema: StructType) -> None:
        self.options = options
        self.schema = spark_arrow_schema(schema)

    def partitions(self) -> Sequence[InputPartition]:
        """Tickets are bound to the version they were given for, so all tasks of a scan see the same version."""
        info = Endpoint(self.options.uri, self.options.token).info(self.options.dataset, self.options.version)
        return [PartTicket(part.ticket.ticket, location(part, self.options.uri)) for part in info.endpoints]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """Runs in a task. Batches that have the asked schema go to Spark as they came."""
        if not isinstance(partition, PartTicket):
            return
        endpoint = Endpoint(partition.uri, self.options.token)
        with endpoint.connect() as client:
            with talking_to(endpoint.uri):
                stream = client.do_get(flight.Ticket(partition.ticket), endpoint.call_options())
            while (batch := next_batch(stream, endpoint.uri)) is not None:
                yield conform(batch, self.schema)


def next_batch(stream: flight.FlightStreamReader, uri: str) -> pa.RecordBatch | None:
    with talking_to(uri):
        while True:
            try:
                chunk = stream.read_chunk()
            except StopIteration:
                return None
            if chunk.data is not None:
                return chunk.data


def location(part: flight.FlightEndpoint, uri: str) -> str:
    """Where a part is to be fetched; an endpoint that names no place, or none but itself, is asked again."""
    named = [place.uri.decode() if isinstance(place.uri, bytes) else place.uri for place in part.locations]
    usable = [place for place in named if not place.startswith(SAME_CONNECTION)]
    return usable[0] if usable else uri
