"""A foreign client of the endpoint: pyarrow's. Prints one JSON line with what it saw.

    python test/endpoint/endpoint_client.py URI
"""

import json
import sys

import pyarrow as pa
import pyarrow.flight as flight


def put(client: flight.FlightClient, name: str, table: pa.Table, rows_a_batch: int) -> dict:
    """Writes a whole dataset to a path and returns the endpoint's answer."""
    writer, answers = client.do_put(flight.FlightDescriptor.for_path(*name.split("/")), table.schema)
    writer.write_table(table, max_chunksize=rows_a_batch)
    writer.done_writing()
    answer = json.loads(answers.read().to_pybytes())
    writer.close()
    return answer


def read(client: flight.FlightClient, descriptor: flight.FlightDescriptor) -> pa.Table:
    """Reads every endpoint of a descriptor."""
    info = client.get_flight_info(descriptor)
    parts = [client.do_get(endpoint.ticket).read_all() for endpoint in info.endpoints]
    return pa.concat_tables(parts) if parts else info.schema.empty_table()


def act(client: flight.FlightClient, kind: str, body: dict) -> dict:
    """Runs an action on JSON."""
    (reply,) = client.do_action(flight.Action(kind, json.dumps(body).encode()))
    return json.loads(reply.body.to_pybytes())


def main() -> None:
    client = flight.connect(sys.argv[1])
    table = pa.table(
        {
            "id": pa.array(range(10_000), pa.int64()),
            "x": pa.array([None if i % 7 == 0 else i / 3 for i in range(10_000)], pa.float64()),
            "word": pa.array([f"w{i % 11}" for i in range(10_000)]).dictionary_encode(),
            "list": pa.array([[i, i + 1] for i in range(10_000)], pa.list_(pa.int32())),
        },
    ).replace_schema_metadata({"made": "here"})
    answer = put(client, "some/table", table, 1000)
    back = read(client, flight.FlightDescriptor.for_path("some/table"))
    put(client, "some/table", table.slice(0, 5), 1000)
    states = {
        name: read(client, flight.FlightDescriptor.for_path("state", name)).num_rows
        for name in ("tasks", "actors", "workers", "objects", "datasets", "nodes")
    }
    version = flight.FlightDescriptor.for_command(json.dumps({"dataset": "some/table"}).encode())
    seen = {
        "answer": answer,
        "equal": back.combine_chunks().equals(table.combine_chunks()),
        "metadata": (back.schema.metadata or {}).get(b"made", b"").decode(),
        "batches": len(back.to_batches()),
        "rowsAfterOverwrite": read(client, version).num_rows,
        "flights": [b"/".join(info.descriptor.path).decode() for info in client.list_flights()],
        "schema": client.get_schema(version).schema.names,
        "actions": [action.type for action in client.list_actions()],
        "list": act(client, "list", {})["datasets"],
        "stateRows": states,
    }
    failures = {}
    for name, call in {
        "unknown dataset": lambda: read(client, flight.FlightDescriptor.for_path("nothing")),
        "unknown table": lambda: read(client, flight.FlightDescriptor.for_path("state", "nothing")),
        "unknown action": lambda: act(client, "nothing", {}),
        "bad ticket": lambda: client.do_get(flight.Ticket(b"nothing")).read_all(),
        "bad body": lambda: act(client, "seal", {}),
    }.items():
        try:
            call()
            failures[name] = "nothing failed"
        except pa.lib.ArrowException as reason:
            failures[name] = str(reason).splitlines()[0]
    print(json.dumps({**seen, "failures": failures}))


main()
