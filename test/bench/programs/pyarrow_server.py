"""The peer of the benchmarks of the bridge and of arrow-flight-node: a pyarrow Flight server that keeps what is put, as ours do.

It reads in C++ (read_all), keeps the table, and answers DoGet by a RecordBatchStream: the fastest way that pyarrow has.
Its actions and exchanges echo.
"""

import sys

import pyarrow.flight as flight


class Keeper(flight.FlightServerBase):
    def __init__(self):
        super().__init__("grpc://127.0.0.1:0")
        self.tables = {}

    def do_put(self, context, descriptor, reader, writer):
        self.tables[descriptor.path[0]] = reader.read_all()

    def get_flight_info(self, context, descriptor):
        table = self.tables[descriptor.path[0]]
        endpoint = flight.FlightEndpoint(descriptor.path[0], [])
        return flight.FlightInfo(table.schema, descriptor, [endpoint], table.num_rows, table.nbytes)

    def do_get(self, context, ticket):
        return flight.RecordBatchStream(self.tables[ticket.ticket])

    def do_action(self, context, action):
        return [action.body]

    def do_exchange(self, context, descriptor, reader, writer):
        writer.begin(reader.schema)
        for chunk in reader:
            writer.write_batch(chunk.data)


server = Keeper()
print(f"listening on grpc://127.0.0.1:{server.port}", flush=True)
sys.stdin.read()  # until the benchmark ends
server.shutdown()
