"""The peer of the bridge's benchmark: a pyarrow Flight server that keeps what is put, as ours does.

It reads in C++ (read_all), keeps the table, and answers DoGet by a RecordBatchStream: the fastest way that pyarrow has.
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


server = Keeper()
print(f"listening on grpc://127.0.0.1:{server.port}", flush=True)
sys.stdin.read()  # until the benchmark ends
server.shutdown()
