"""A batch write: every task attempt stages one part, one seal makes all parts visible at once."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql.datasource import DataSourceArrowWriter, WriterCommitMessage
from pyspark.sql.types import StructType

from pyspark_rayflight.columns import spark_arrow_schema
from pyspark_rayflight.endpoint import Endpoint
from pyspark_rayflight.errors import EndpointLost, RayflightError
from pyspark_rayflight.options import WriteOptions
from pyspark_rayflight.stage import stage

REPEATABLE_TRIES = 6


@dataclass(frozen=True)
class StagedPart(WriterCommitMessage):
    """What a task tells the driver: this attempt's part lies staged, with so many rows."""

    part: str
    attempt: int
    rows: int


class DatasetWriter(DataSourceArrowWriter):
    """One write of one DataFrame.

    Spark makes it once, on the driver, and pickles it to every task and to the process that commits or aborts. The
    transaction is therefore chosen here and is the same everywhere; whatever a task changes in ``self`` is lost.
    """

    def __init__(self, options: WriteOptions, schema: StructType) -> None:
        self.endpoint = Endpoint(options.uri, options.token)
        self.dataset = options.dataset
        self.mode = options.mode
        self.schema = spark_arrow_schema(schema, options.metadata)
        self.transaction = uuid.uuid4().hex
        # Asked even where the answer does not matter: a wrong address or token fails here, before any task runs.
        exists = self.endpoint.act("exists", {"dataset": self.dataset})["exists"]
        if exists and self.mode == "errorifexists":
            raise RayflightError(
                f'Dataset "{self.dataset}" exists already. Choose another name, or write with ifexists="overwrite".'
            )

    def write(self, iterator: Iterator[pa.RecordBatch]) -> StagedPart:
        """Runs in a task. The part is named by partition; the attempt id is unique over retries and speculative copies."""
        context = TaskContext.get()
        if context is None:
            raise RayflightError("A part can only be staged inside a Spark task. Write with df.write.")
        part, attempt = f"{context.partitionId():05d}", context.taskAttemptId()
        command: dict[str, str | int] = {
            "transaction": self.transaction,
            "dataset": self.dataset,
            "part": part,
            "attempt": attempt,
        }
        return StagedPart(part, attempt, stage(self.endpoint, command, self.schema, iterator))

    def commit(self, messages: list[WriterCommitMessage | None]) -> None:
        """Seals exactly the attempts that Spark chose.

        Sealing a transaction twice gives the first answer again, so an answer that got lost is asked for again.
        """
        parts = self.chosen(messages)
        schema = base64.b64encode(self.schema.serialize().to_pybytes()).decode()
        seal = {"transaction": self.transaction, "dataset": self.dataset, "mode": self.mode, "schema": schema}
        try:
            self.endpoint.act("seal", {**seal, "parts": parts}, tries=REPEATABLE_TRIES)
        except EndpointLost as error:
            raise RayflightError(
                f'{error} Whether "{self.dataset}" was sealed is not known: look at its rows before you write it again.'
            ) from None

    def chosen(self, messages: Sequence[WriterCommitMessage | None]) -> list[dict[str, str | int]]:
        staged = [message for message in messages if isinstance(message, StagedPart)]
        if len(staged) != len(messages):
            raise RayflightError(
                f'A task wrote to "{self.dataset}" and named no part, so nothing is sealed. Run it again.'
            )
        return [{"part": s.part, "attempt": s.attempt, "rows": s.rows} for s in staged if s.rows > 0]

    def abort(self, messages: list[WriterCommitMessage | None]) -> None:
        """Drops all that was staged. Spark also calls it after a seal whose answer got lost: the endpoint then keeps it.

        A failure here is not raised, since it would hide why the job failed; the endpoint drops a transaction that
        nobody finishes by itself.
        """
        try:
            self.endpoint.act("abort", {"transaction": self.transaction}, tries=3)
        except RayflightError as error:
            print(f"rayflight: the abort did not get through, the endpoint will drop it later: {error}", flush=True)
