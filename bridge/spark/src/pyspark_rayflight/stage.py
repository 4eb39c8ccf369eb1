"""One task attempt becomes one staged part, by one DoPut."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pyarrow as pa
from pyarrow import flight

from pyspark_rayflight.columns import conform
from pyspark_rayflight.endpoint import Endpoint
from pyspark_rayflight.errors import FLIGHT_FAILURES, RayflightError, from_flight, talking_to


def stage(
    endpoint: Endpoint, command: dict[str, str | int], schema: pa.Schema, batches: Iterator[pa.RecordBatch]
) -> int:
    """Sends all batches and returns how many rows the endpoint has acknowledged. No rows, no part.

    A part counts only with its end marker, which announces its rows: a worker that is killed closes its stream just as
    cleanly as one that has finished. An error of ``batches`` passes through as it is and leaves no complete part.
    """
    filled = (batch for batch in batches if batch.num_rows > 0)
    first = next(filled, None)
    if first is None:
        return 0
    with endpoint.connect() as client:
        descriptor = flight.FlightDescriptor.for_command(json.dumps(command).encode())
        with talking_to(endpoint.uri):
            writer, replies = client.do_put(descriptor, schema, endpoint.call_options())
        rows = 0
        try:
            batch: pa.RecordBatch | None = first
            while batch is not None:
                send(endpoint, writer, conform(batch, schema))
                rows += batch.num_rows
                batch = next(filled, None)
            return finish(endpoint, writer, replies, rows)
        except BaseException:
            close_quietly(writer)
            raise


def send(endpoint: Endpoint, writer: flight.FlightStreamWriter, batch: pa.RecordBatch) -> None:
    try:
        writer.write_batch(batch)
    except FLIGHT_FAILURES as broken:
        # The stream says only that it is broken; why the endpoint refused the part comes when it is closed.
        try:
            writer.close()
        except FLIGHT_FAILURES as refused:
            raise from_flight(refused, endpoint.uri) from None
        raise from_flight(broken, endpoint.uri) from None


def finish(
    endpoint: Endpoint, writer: flight.FlightStreamWriter, replies: flight.FlightMetadataReader, rows: int
) -> int:
    with talking_to(endpoint.uri):
        writer.write_metadata(json.dumps({"rows": rows, "end": True}).encode())
        writer.done_writing()
        reply = replies.read()
        writer.close()
    counted = json.loads(reply.to_pybytes())["rows"] if reply is not None else None
    if counted != rows:
        raise RayflightError(f"The endpoint at {endpoint.uri} counted {counted} rows of {rows}. Run the job again.")
    return rows


def close_quietly(writer: flight.FlightStreamWriter) -> None:
    try:
        writer.close()
    except FLIGHT_FAILURES:
        pass
