"""What pyarrow makes of bytes.

Reads KIND (a line), LENGTH (a line) and that many bytes, again and again; answers each with a line of JSON: {"value": ...}, or
{"refused": why, "sure": whether the bytes' encoding is wrong, and not something missing that only pyarrow asks for}.
"""

import importlib.util
import json
import pathlib
import sys

import pyarrow as pa
import pyarrow.flight as fl


# The script that tells values as JSON; its name is no module's.
path = pathlib.Path(__file__).parents[1] / "fixtures" / "flight" / "ipc-types.py"
spec = importlib.util.spec_from_file_location("ipc_types", path)
types = importlib.util.module_from_spec(spec)
spec.loader.exec_module(types)


def ipc(content):
    with pa.ipc.open_stream(content) as reader:
        batches = list(reader)
    for batch in batches:
        batch.validate(full=True)
    return {"rows": sum(batch.num_rows for batch in batches), "values": values(batches)}


def values(batches):
    """Every column of every batch; None for those that Python cannot tell: names that are no UTF-8, dates beyond its years."""
    if sum(batch.num_rows for batch in batches) > 10_000:
        return None
    told = []
    for batch, index in ((batch, index) for batch in batches for index in range(batch.num_columns)):
        try:
            column = batch.column(index)
            each = [types.plain(column.type, value) for value in types.integers(column).to_pylist()]
            json.dumps(each)
            told.append(each)
        except Exception:
            told.append(None)
    return told


def descriptor(message):
    if message.descriptor_type == fl.DescriptorType.PATH:
        return {"type": "path", "path": [part.decode() for part in message.path]}
    return {"type": "command", "command": message.command.hex()}


def endpoint(message):
    until = message.expiration_time
    return {
        "ticket": message.ticket.ticket.hex(),
        "locations": [location.uri.decode() for location in message.locations],
        "expirationTime": None if until is None else until.value // 1_000_000,
        "appMetadata": message.app_metadata.hex(),
    }


def info(message):
    return {
        "descriptor": descriptor(message.descriptor),
        "endpoints": [endpoint(each) for each in message.endpoints],
        "totalRecords": message.total_records,
        "totalBytes": message.total_bytes,
        "ordered": message.ordered,
        "appMetadata": message.app_metadata.hex(),
    }


def action(message):
    return {"type": message.type, "body": message.body.to_pybytes().hex()}


kinds = {
    "ipc": ipc,
    "ticket": lambda content: fl.Ticket.deserialize(content).ticket.hex(),
    "result": lambda content: fl.Result.deserialize(content).body.to_pybytes().hex(),
    "descriptor": lambda content: descriptor(fl.FlightDescriptor.deserialize(content)),
    "endpoint": lambda content: endpoint(fl.FlightEndpoint.deserialize(content)),
    "info": lambda content: info(fl.FlightInfo.deserialize(content)),
    "action": lambda content: action(fl.Action.deserialize(content)),
}

source = sys.stdin.buffer
while kind := source.readline().strip().decode():
    content = source.read(int(source.readline()))
    try:
        answer = {"value": kinds[kind](content)}
    except Exception as error:
        answer = {"refused": str(error)[:200], "sure": kind == "ipc" or "Not a valid" in str(error)}
    print(json.dumps(answer), flush=True)
