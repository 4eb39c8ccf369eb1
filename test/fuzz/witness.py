"""What pyarrow makes of bytes.

Reads KIND (a line), LENGTH (a line) and that many bytes, again and again; answers each with a line of JSON: {"value": ...}, or
{"refused": why, "sure": whether the bytes' encoding is wrong, and not something missing that only pyarrow asks for}.
"""

import json
import sys

import pyarrow as pa
import pyarrow.flight as fl


def ipc(content):
    with pa.ipc.open_stream(content) as reader:
        rows = 0
        for batch in reader:
            batch.validate(full=True)
            rows += batch.num_rows
    return rows


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
