"""The calls that the data source makes to a Flight endpoint, each over a connection of its own."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyarrow import flight

from pyspark_rayflight.errors import EndpointLost, talking_to
from pyspark_rayflight.options import choose_token, parse_uri

FIRST_WAIT_SECONDS = 0.2
ANSWER_SECONDS = 60.0


@dataclass(frozen=True)
class Endpoint:
    """An address and its token. Holds no connection, so it may be pickled to any task."""

    uri: str
    token: str | None = None

    def connect(self) -> flight.FlightClient:
        """A connection for one call; it closes with its ``with`` block. Nothing is sent yet."""
        with talking_to(self.uri):
            return flight.connect(self.uri)

    def call_options(self, seconds: float | None = None) -> flight.FlightCallOptions:
        headers = [(b"authorization", f"Bearer {self.token}".encode())] if self.token else []
        return flight.FlightCallOptions(timeout=seconds, headers=headers)

    def act(self, action: str, body: dict[str, Any], tries: int = 1) -> dict[str, Any]:
        """Runs an action and returns its answer.

        More than one try is for actions that may be repeated: an answer that got lost is then asked for again, with
        waits that double from a fifth of a second.
        """
        for waited in range(tries - 1):
            try:
                return self.act_once(action, body)
            except EndpointLost:
                time.sleep(FIRST_WAIT_SECONDS * 2**waited)
        return self.act_once(action, body)

    def act_once(self, action: str, body: dict[str, Any]) -> dict[str, Any]:
        request = flight.Action(action, json.dumps(body).encode())
        with self.connect() as client, talking_to(self.uri):
            results = list(client.do_action(request, self.call_options(ANSWER_SECONDS)))
        return json.loads(results[0].body.to_pybytes())

    def info(self, dataset: str, version: int | None) -> flight.FlightInfo:
        with self.connect() as client, talking_to(self.uri):
            return client.get_flight_info(describe(dataset, version), self.call_options(ANSWER_SECONDS))

    def schema(self, dataset: str, version: int | None) -> pa.Schema:
        with self.connect() as client, talking_to(self.uri):
            return client.get_schema(describe(dataset, version), self.call_options(ANSWER_SECONDS)).schema


def describe(dataset: str, version: int | None) -> flight.FlightDescriptor:
    command = {"dataset": dataset} if version is None else {"dataset": dataset, "version": version}
    return flight.FlightDescriptor.for_command(json.dumps(command).encode())


def check_endpoint(uri: str, token: str | None = None) -> None:
    """Raises RayflightError unless an endpoint answers at ``uri`` and takes ``token``: worth knowing before Spark starts."""
    Endpoint(parse_uri(uri), choose_token(token)).act("status", {})
