"""Compares IPC files with IPC streams: a JSON list [FILE, STREAM] a line in, a JSON string or null a line out."""

import json
import sys

import pyarrow as pa
from same import difference


def compare(file, stream):
    with pa.ipc.open_file(file) as expected, pa.ipc.open_stream(stream) as got:
        wanted = [expected.get_batch(i) for i in range(expected.num_record_batches)]
        return difference(expected.schema, wanted, got.schema, list(got))


for line in sys.stdin:
    try:
        answer = compare(*json.loads(line))
    except Exception as error:  # Whatever pyarrow finds wrong with the bytes is the answer.
        answer = f"pyarrow: {error}"
    print(json.dumps(answer), flush=True)
