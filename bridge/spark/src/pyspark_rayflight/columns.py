"""Arrow types as Spark holds them, and batches brought to them."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import signature
from typing import Any

import pyarrow as pa
from pyarrow import types
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from pyspark_rayflight.errors import RayflightError

WIDER = {
    pa.uint8(): pa.int16(),
    pa.uint16(): pa.int32(),
    pa.uint32(): pa.int64(),
    pa.uint64(): pa.decimal128(20, 0),
    pa.float16(): pa.float32(),
    pa.date64(): pa.date32(),
    pa.string_view(): pa.string(),
    pa.binary_view(): pa.binary(),
}


# Spark 4.0 always means UTC; its later versions want to be told.
IN_UTC: dict[str, Any] = {"timezone": "UTC"} if "timezone" in signature(to_arrow_schema).parameters else {}


def spark_arrow_schema(schema: StructType, metadata: dict[str, str] | None = None) -> pa.Schema:
    """The Arrow schema that Spark itself demands of batches of ``schema``, with ``metadata`` added."""
    arrow = to_arrow_schema(schema, **IN_UTC)
    return arrow.with_metadata(metadata) if metadata else arrow


def readable(schema: pa.Schema, columns: Sequence[str] | None, dataset: str) -> pa.Schema:
    """``schema`` cut to ``columns``, each type replaced by the narrowest one that Spark has and that loses nothing."""
    for name in columns or ():
        if schema.get_all_field_indices(name) == []:
            raise RayflightError(f'Dataset "{dataset}" has no column "{name}". It has {", ".join(schema.names)}.')
    fields = [schema.field(name) for name in columns] if columns else list(schema)
    return pa.schema([field.with_type(readable_type(field.type)) for field in fields], schema.metadata)


def readable_type(stored: pa.DataType) -> pa.DataType:
    if types.is_dictionary(stored):
        return readable_type(stored.value_type)
    if types.is_timestamp(stored):
        return pa.timestamp("us", tz="UTC" if stored.tz else None)
    if types.is_fixed_size_list(stored) or types.is_large_list(stored) or types.is_list(stored):
        return pa.list_(stored.value_field.with_type(readable_type(stored.value_type)))
    if types.is_struct(stored):
        return pa.struct([field.with_type(readable_type(field.type)) for field in stored])
    return WIDER.get(stored, stored)


def conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """``batch`` itself when it has ``schema`` already, else its columns by name, cast where their type differs.

    A time zone, a flag of nullability or the order of columns costs no copy. Raises RayflightError when a column is
    missing, when a value does not fit, or when a column that may not be null has a null.
    """
    if batch.schema.equals(schema):
        return batch
    arrays = []
    for field in schema:
        index = batch.schema.get_field_index(field.name)
        if index < 0:
            raise RayflightError(
                f'The dataset no longer has column "{field.name}". Load it again to see its new schema.'
            )
        column = batch.column(index)
        try:
            column = column if column.type.equals(field.type) else column.cast(field.type)
        except pa.ArrowException as error:
            raise RayflightError(
                f'Column "{field.name}" is {column.type} and cannot be read as {field.type} ({error}). Load it again to see its schema.'
            ) from None
        if not field.nullable and column.null_count:
            raise RayflightError(f'Column "{field.name}" has nulls but is declared not null. Declare it nullable.')
        arrays.append(column)
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
