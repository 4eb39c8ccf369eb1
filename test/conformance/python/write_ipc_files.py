"""Writes one IPC file (NAME.arrow) and the same IPC stream (NAME.arrows) per Arrow type into a folder.

    python write_ipc_files.py FOLDER
"""

import datetime
import decimal
import pathlib
import sys

import pyarrow as pa

day = datetime.datetime(2022, 7, 1, 12, 30, 15)
date, time = day.date(), day.time()
Decimal = decimal.Decimal


def plain_types():
    """Pairs of type and values; each becomes two batches, of the values and of the values reversed."""
    numbers = [1, 2, None, 4, 5]
    for kind in "int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64".split():
        yield kind, getattr(pa, kind)(), numbers
    yield "int64_limits", pa.int64(), [-(2**63), 2**63 - 1, None, 0]
    yield "uint64_limits", pa.uint64(), [2**64 - 1, 0, None]
    yield "bool", pa.bool_(), [True, False, None] * 7
    yield "null", pa.null(), [None] * 3
    yield "utf8", pa.utf8(), ["a", "", None, "häuser", "long " * 40]
    yield "large_utf8", pa.large_utf8(), ["a", None, "bc"]
    yield "utf8_view", pa.string_view(), ["a", None, "a string beyond twelve bytes"]
    yield "binary", pa.binary(), [b"\0\1", None, b""]
    yield "large_binary", pa.large_binary(), [b"\0\1", None, b""]
    yield "binary_view", pa.binary_view(), [b"a", None, b"bytes, more than twelve"]
    yield "fixed_size_binary", pa.binary(3), [b"abc", None, b"\0\0\1"]
    yield "decimal32", pa.decimal32(5, 2), [Decimal("1.25"), None, Decimal("-3.5")]
    yield "decimal64", pa.decimal64(10, 2), [Decimal("1.25"), None, Decimal("-3.5")]
    yield "decimal128", pa.decimal128(10, 2), [Decimal("1.25"), None, Decimal("-3.5")]
    yield "decimal256", pa.decimal256(50, 2), [Decimal("1.25"), None, Decimal("-3.5")]
    yield "date32", pa.date32(), [date, None]
    yield "date64", pa.date64(), [date, None]
    for unit in "s", "ms":
        yield f"time32_{unit}", pa.time32(unit), [time, None]
    for unit in "us", "ns":
        yield f"time64_{unit}", pa.time64(unit), [time, None]
    for unit in "s", "ms", "us", "ns":
        yield f"timestamp_{unit}", pa.timestamp(unit), [day, None]
        yield f"duration_{unit}", pa.duration(unit), [datetime.timedelta(seconds=5), None]
    yield "timestamp_zone", pa.timestamp("us", "Europe/Zurich"), [day, None]
    yield "interval_month_day_nano", pa.month_day_nano_interval(), [pa.MonthDayNano([1, 2, 3]), None]
    yield "list", pa.list_(pa.int32()), [[1, 2], [], None, [3]]
    yield "list_not_null", pa.list_(pa.field("item", pa.int32(), nullable=False)), [[1, 2], [], None, [3]]
    yield "large_list", pa.large_list(pa.int32()), [[1, 2], None, []]
    yield "list_view", pa.list_view(pa.int32()), [[1, 2], None, []]
    yield "large_list_view", pa.large_list_view(pa.int32()), [[1, 2], None, []]
    yield "fixed_size_list", pa.list_(pa.int32(), 2), [[1, 2], None, [3, 4]]
    yield "nested_list", pa.list_(pa.list_(pa.utf8())), [[["a"], None, []], None, []]
    yield "struct", pa.struct([("x", pa.int32()), ("y", pa.utf8())]), [{"x": 1, "y": "a"}, None, {"x": None, "y": "b"}]
    yield "map", pa.map_(pa.utf8(), pa.int32()), [[("a", 1), ("b", None)], None, []]
    yield "map_in_struct", pa.struct([("m", pa.map_(pa.int32(), pa.utf8()))]), [{"m": [(1, "a")]}, None]


def one_column(column):
    return pa.record_batch({"c": column})


def streams():
    """Triples of name, schema and batches."""
    for name, kind, values in plain_types():
        batches = [one_column(pa.array(column, kind)) for column in (values, values[::-1])]
        yield name, batches[0].schema, batches

    kinds = pa.array([0, 1, 0, 1], pa.int8())
    children = [pa.array([1, 2, 3, 4], pa.int32()), pa.array(["a", "b", "c", "d"])]
    sparse = one_column(pa.UnionArray.from_sparse(kinds, children))
    dense = one_column(pa.UnionArray.from_dense(kinds, pa.array([0, 0, 1, 1], pa.int32()), children))
    yield "sparse_union", sparse.schema, [sparse, sparse]
    yield "dense_union", dense.schema, [dense, dense]

    runs = one_column(pa.RunEndEncodedArray.from_arrays(pa.array([2, 3, 7], pa.int32()), pa.array(["a", None, "b"])))
    yield "run_end_encoded", runs.schema, [runs, runs]

    words = pa.array(["low", "high", "low"])
    for index in "int8 int16 int32 int64 uint8 uint16 uint32 uint64".split():
        indices = pa.array([0, 1, None, 2], getattr(pa, index)())
        batch = one_column(pa.DictionaryArray.from_arrays(indices, words))
        yield f"dictionary_{index}", batch.schema, [batch, batch]
    ordered = one_column(pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int8()), pa.array([1, 2]), ordered=True))
    yield "dictionary_ordered", ordered.schema, [ordered]
    nested = one_column(pa.ListArray.from_arrays([0, 2, 3], pa.array(["low", "high", "low"]).dictionary_encode()))
    yield "dictionary_in_list", nested.schema, [nested]
    first, longer = (one_column(pa.array(values).dictionary_encode()) for values in (["x", "y"], ["x", "y", "z"]))
    yield "dictionary_delta", first.schema, [first, longer]

    # Not every library has the narrow decimals, and these two files are about something else.
    wide = pa.schema({name: kind for name, kind, _ in plain_types() if name not in ("decimal32", "decimal64")})
    yield "no_batches", wide, []
    empty = pa.record_batch([pa.array([], field.type) for field in wide if "view" not in field.name], schema=pa.schema(
        [field for field in wide if "view" not in field.name]))
    yield "no_rows", empty.schema, [empty]
    no_columns = pa.record_batch([], schema=pa.schema([]))
    yield "no_columns", no_columns.schema, [no_columns]
    same_name = pa.record_batch([pa.array([1, 2]), pa.array(["a", "b"])], names=["c", "c"])
    yield "same_name_twice", same_name.schema, [same_name]
    not_null = pa.record_batch([pa.array([1, 2])], schema=pa.schema([pa.field("c", pa.int64(), nullable=False)]))
    yield "not_null", not_null.schema, [not_null]
    field = pa.field("c", pa.int64(), metadata={"unit": "kWh"})
    noted = pa.record_batch([pa.array([1, 2])], schema=pa.schema([field], metadata={"made by": "pyarrow"}))
    yield "custom_metadata", noted.schema, [noted, noted]
    extension = one_column(pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0123456789abcdef", None], pa.binary(16))))
    yield "extension_uuid", extension.schema, [extension]
    many = pa.table({"a": range(1000), "b": [str(i) for i in range(1000)]})
    yield "many_batches", many.schema, many.to_batches(max_chunksize=37)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    for name, schema, batches in streams():
        for suffix, new in (".arrow", pa.ipc.new_file), (".arrows", pa.ipc.new_stream):
            with new(str(folder / f"{name}{suffix}"), schema, options=options) as writer:
                for batch in batches:
                    writer.write_batch(batch)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
