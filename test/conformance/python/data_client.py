"""The data mode as pyarrow's client: a JSON list [URI, "data", FILE] a line in, a JSON string or null a line out.

It puts the file's batches with app_metadata "0", "1", … and waits for each to come back, asks for the FlightInfo, and
reads every endpoint at every location.
"""

import json
import sys

import pyarrow as pa
import pyarrow.flight as fl
from same import difference


def put(client, descriptor, schema, batches):
    writer, acknowledged = client.do_put(descriptor, schema)
    for i, batch in enumerate(batches):
        writer.write_with_metadata(batch, str(i).encode())
        answer = acknowledged.read()
        if answer is None or answer.to_pybytes() != str(i).encode():
            return f"batch {i} was acknowledged with {answer and answer.to_pybytes()}"
    writer.done_writing()
    writer.close()
    return None


def get(client, ticket, schema, batches):
    reader = client.do_get(ticket)
    chunks = list(reader)
    marks = [chunk.app_metadata and chunk.app_metadata.to_pybytes() for chunk in chunks]
    if marks != [str(i).encode() for i in range(len(batches))]:
        return f"the app_metadata of the batches is {marks}"
    return difference(schema, batches, reader.schema, [chunk.data for chunk in chunks])


def run(uri, _scenario, file):
    with pa.ipc.open_file(file) as source, fl.connect(uri) as client:
        batches = [source.get_batch(i) for i in range(source.num_record_batches)]
        descriptor = fl.FlightDescriptor.for_path(file)
        wrong = put(client, descriptor, source.schema, batches)
        if wrong:
            return wrong
        info = client.get_flight_info(descriptor)
        if info.schema != source.schema:
            return f"the FlightInfo's schema is {info.schema}"
        if not info.endpoints or not all(endpoint.locations for endpoint in info.endpoints):
            return f"the FlightInfo names no location: {info.endpoints}"
        for endpoint in info.endpoints:
            for location in endpoint.locations:
                with fl.connect(location) as other:
                    wrong = wrong or get(other, endpoint.ticket, source.schema, batches)
        return wrong


for line in sys.stdin:
    try:
        answer = run(*json.loads(line))
    except Exception as error:  # Whatever pyarrow finds wrong is the answer.
        answer = f"pyarrow: {error}"
    print(json.dumps(answer), flush=True)
