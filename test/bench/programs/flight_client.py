"""The pyarrow client of the benchmarks of the bridge and of arrow-flight-node, one process for every server.

A line of JSON in, a line of JSON out:
    {"op": "put" | "get", "uri", "name", "batch": bytes a batch, "total": bytes}
        -> {"seconds", "bytes", "rows"}; for "get" also "touched": the sum of one value of each buffer
    {"op": "get-raw", ...} -> the same, the values left alone
    {"op": "put-for", ..., "seconds"} -> the same, of whole puts one after another for that long
    {"op": "kept", "uri", "name", "batch"} -> {"rows", "bytes", "crc"}: of what the server gives, outside any measurement
    {"op": "expected", "batch", "total"} -> the same, of what the clients put
    {"op": "action" | "exchange", "uri", "calls", "threads"} -> {"seconds", "calls"}
    {"op": "relay-put" | "relay-get", "uri", "name", "batch", "total", "rate": bytes a second at most, 0 for any} -> {"seconds", "bytes", "rows"}
"""

import json
import sys
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy
import pyarrow
import pyarrow.flight as flight

columns = 4
variants = 16


@cache
def batches_of(size):
    """Batches of the same shape and other values, sent in turns: whatever is lost, doubled or moved is seen."""
    rows = size // (8 * columns)
    names = [f"x{i}" for i in range(columns)]
    return [
        pyarrow.record_batch([pyarrow.array(numpy.arange(rows, dtype="f8") + 1000 * v + i) for i in range(columns)], names)
        for v in range(variants)
    ]


@cache
def client_of(uri):
    return flight.connect(uri)


def put(command):
    batches = batches_of(command["batch"])
    count = command["total"] // command["batch"]
    descriptor = flight.FlightDescriptor.for_path(command["name"])
    writer, reader = client_of(command["uri"]).do_put(descriptor, batches[0].schema)
    for i in range(count):
        writer.write_batch(batches[i % variants])
    writer.done_writing()
    while reader.read() is not None:  # until the server has kept it all
        pass
    writer.close()
    return {"bytes": count * command["batch"], "rows": count * batches[0].num_rows}


def endpoints(command):
    info = client_of(command["uri"]).get_flight_info(flight.FlightDescriptor.for_path(command["name"]))
    return [client_of(command["uri"]).do_get(endpoint.ticket) for endpoint in info.endpoints]


def get(command):
    received = rows = touched = 0
    for reader in endpoints(command):
        for chunk in reader:
            received += chunk.data.nbytes
            rows += chunk.data.num_rows
            for column in chunk.data.columns:
                touched += column[0].as_py()
    return {"bytes": received, "rows": rows, "touched": touched}


def get_raw(command):
    received = rows = 0
    for reader in endpoints(command):
        for chunk in reader:
            received += chunk.data.nbytes
            rows += chunk.data.num_rows
    return {"bytes": received, "rows": rows}


def kept(command):
    received = rows = crc = 0
    for reader in endpoints(command):
        for chunk in reader:
            received += chunk.data.nbytes
            rows += chunk.data.num_rows
            for column in chunk.data.columns:
                crc = zlib.crc32(column.to_numpy(), crc)
    return {"bytes": received, "rows": rows, "crc": crc}


def expected(command):
    crc = 0
    for i in range(command["total"] // command["batch"]):
        for column in batches_of(command["batch"])[i % variants].columns:
            crc = zlib.crc32(column.to_numpy(), crc)
    return {"bytes": command["total"], "crc": crc}


def put_for(command):
    until = time.perf_counter() + command["seconds"]
    received = rows = 0
    while time.perf_counter() < until:
        done = put(command)
        received += done["bytes"]
        rows += done["rows"]
    return {"bytes": received, "rows": rows}


def action(command):
    client = client_of(command["uri"])

    def call(number):
        body = number.to_bytes(8, "little")
        (result,) = client.do_action(flight.Action("echo", body))
        assert result.body.to_pybytes() == body, "the echo says something else"

    if command["threads"] == 1:
        for number in range(command["calls"]):
            call(number)
    else:
        with ThreadPoolExecutor(command["threads"]) as threads:
            list(threads.map(call, range(command["calls"])))
    return {"calls": command["calls"]}


def exchange(command):
    """Round trips of one small batch, one after the other on one stream."""
    schema = pyarrow.schema([("x", pyarrow.float64())])
    writer, reader = client_of(command["uri"]).do_exchange(flight.FlightDescriptor.for_path("echo"))
    with writer:
        writer.begin(schema)
        for number in range(command["calls"]):
            writer.write_batch(pyarrow.record_batch([pyarrow.array([float(number)] * 8)], schema=schema))
            assert reader.read_chunk().data.column(0)[7].as_py() == number, "the echo says something else"
        writer.done_writing()
    return {"calls": command["calls"]}


def relay_put(command):
    client = client_of(command["uri"])
    batches = batches_of(command["batch"])
    count = command["total"] // command["batch"]
    writer, _ = client.do_put(flight.FlightDescriptor.for_path(command["name"]), batches[0].schema)
    for i in range(count):
        writer.write_batch(batches[i % variants])
    writer.close()
    return {"bytes": count * command["batch"], "rows": count * batches[0].num_rows}


def relay_get(command):
    received = rows = 0
    began = time.perf_counter()
    for chunk in client_of(command["uri"]).do_get(flight.Ticket(command["name"])):
        received += chunk.data.nbytes
        rows += chunk.data.num_rows
        expected = 1000 * ((rows // chunk.data.num_rows - 1) % variants) + columns - 1
        assert chunk.data.column(columns - 1)[0].as_py() == expected, "a batch is lost or moved"
        ahead = received / command["rate"] - (time.perf_counter() - began)
        if ahead > 0:
            time.sleep(ahead)
    return {"bytes": received, "rows": rows}


operations = {
    "put": put,
    "get": get,
    "get-raw": get_raw,
    "put-for": put_for,
    "kept": kept,
    "expected": expected,
    "action": action,
    "exchange": exchange,
    "relay-put": relay_put,
    "relay-get": relay_get,
}
for line in sys.stdin:
    command = json.loads(line)
    began = time.perf_counter()
    done = operations[command["op"]](command)
    print(json.dumps({"seconds": time.perf_counter() - began, **done}), flush=True)
