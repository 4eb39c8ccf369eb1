"""Reads the state table of tasks of an endpoint over Flight and counts. Prints one JSON line.

    python test/endpoint/state_rows.py URI
"""

import json
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.flight as flight


def main() -> None:
    client = flight.connect(sys.argv[1])
    info = client.get_flight_info(flight.FlightDescriptor.for_path("state", "tasks"))
    reader = client.do_get(info.endpoints[0].ticket).to_reader()
    largest = 0
    batches = []
    for batch in reader:
        batch.validate(full=True)
        largest = max(largest, batch.num_rows)
        batches.append(batch)
    table = pa.Table.from_batches(batches, info.schema)
    took = pc.cast(pc.subtract(table["endedAt"], table["startedAt"]), pa.int64())
    waited = pc.cast(pc.subtract(table["startedAt"], table["submittedAt"]), pa.int64())
    by_name = table.group_by(["name", "state"]).aggregate([("id", "count_distinct")])
    print(
        json.dumps(
            {
                "rows": table.num_rows,
                "largestBatch": largest,
                "counts": {f"{row['name']} {row['state']}": row["id_count_distinct"] for row in by_name.to_pylist()},
                "unit": table.schema.field("submittedAt").type.unit,
                "shortest": pc.min(took).as_py(),
                "leastWait": pc.min(waited).as_py(),
                "workers": sorted(set(table["worker"].drop_null().to_pylist())),
            }
        )
    )


main()
