"""The client of the bridge's benchmark, one process for both servers.

A line of JSON in, a line of JSON out:
    {"op": "put" | "get", "uri", "batch": bytes a batch, "total": bytes} -> {"seconds", "bytes"}
    {"op": "put-for", "uri", "batch", "total", "seconds"} -> the same, of whole puts one after another for that long
"""

import json
import sys
import time
from functools import cache

import numpy
import pyarrow
import pyarrow.flight as flight

columns = 4


@cache
def batch_of(size):
    rows = size // (8 * columns)
    arrays = [pyarrow.array(numpy.random.default_rng(i).random(rows)) for i in range(columns)]
    return pyarrow.record_batch(arrays, names=[f"x{i}" for i in range(columns)])


@cache
def client_of(uri):
    return flight.connect(uri)


def name_of(command):
    return f"bench-{command['batch']}"


def put(command):
    batch = batch_of(command["batch"])
    count = command["total"] // batch.nbytes
    descriptor = flight.FlightDescriptor.for_path(name_of(command))
    writer, reader = client_of(command["uri"]).do_put(descriptor, batch.schema)
    for _ in range(count):
        writer.write_batch(batch)
    writer.done_writing()
    while reader.read() is not None:  # until the server has kept it all
        pass
    writer.close()
    return count * batch.nbytes


def get(command):
    client = client_of(command["uri"])
    info = client.get_flight_info(flight.FlightDescriptor.for_path(name_of(command)))
    received = 0
    for endpoint in info.endpoints:
        for chunk in client.do_get(endpoint.ticket):
            received += chunk.data.nbytes
    return received


def put_for(command):
    until = time.perf_counter() + command["seconds"]
    received = 0
    while time.perf_counter() < until:
        received += put(command)
    return received


operations = {"put": put, "get": get, "put-for": put_for}
for line in sys.stdin:
    command = json.loads(line)
    began = time.perf_counter()
    received = operations[command["op"]](command)
    print(json.dumps({"seconds": time.perf_counter() - began, "bytes": received}), flush=True)
