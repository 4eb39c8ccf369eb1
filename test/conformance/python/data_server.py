"""The data mode as pyarrow's server: prints its port, and serves until its input ends."""

import sys

import pyarrow as pa
import pyarrow.flight as fl


class DataServer(fl.FlightServerBase):
    def __init__(self):
        super().__init__("grpc://127.0.0.1:0")
        self.kept = {}

    def do_put(self, context, descriptor, reader, writer):
        schema, batches = reader.schema, []
        for chunk in reader:
            batches.append(chunk.data)
            if chunk.app_metadata is not None:
                writer.write(chunk.app_metadata)
        self.kept[descriptor.path[0]] = schema, batches

    def get_flight_info(self, context, descriptor):
        schema, batches = self.kept[descriptor.path[0]]
        endpoint = fl.FlightEndpoint(descriptor.path[0], [f"grpc+tcp://127.0.0.1:{self.port}"])
        return fl.FlightInfo(schema, descriptor, [endpoint], sum(batch.num_rows for batch in batches), -1)

    def do_get(self, context, ticket):
        schema, batches = self.kept[ticket.ticket]
        if any("dictionary" in str(field.type) for field in schema):
            # A GeneratorStream sends no dictionaries, and this one no app_metadata.
            return fl.RecordBatchStream(pa.RecordBatchReader.from_batches(schema, batches))
        return fl.GeneratorStream(schema, ((batch, str(i).encode()) for i, batch in enumerate(batches)))


server = DataServer()
print(server.port, flush=True)
sys.stdin.read()
server.shutdown()
