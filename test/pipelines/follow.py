"""Follows a growing stream with pyarrow's client: prints the iterations of each batch as it arrives, then how it ended.

    python test/pipelines/follow.py URI DATASET [BATCHES]
"""

import json
import sys

import pyarrow as pa
import pyarrow.flight as flight


def main() -> None:
    uri, dataset, *limit = sys.argv[1:]
    client = flight.connect(uri)
    command = json.dumps({"dataset": dataset, "follow": True}).encode()
    info = client.get_flight_info(flight.FlightDescriptor.for_command(command))
    reader = client.do_get(info.endpoints[0].ticket)
    left = int(limit[0]) if limit else None
    try:
        while left is None or left > 0:
            print(json.dumps({"iterations": reader.read_chunk().data["iteration"].to_pylist()}), flush=True)
            left = None if left is None else left - 1
        reader.cancel()
        print(json.dumps({"end": "left"}), flush=True)
    except StopIteration:
        print(json.dumps({"end": "clean"}), flush=True)
    except pa.lib.ArrowException as reason:
        print(json.dumps({"end": str(reason).splitlines()[0]}), flush=True)


main()
