"""The one error class of the package, and the table from pyarrow's errors to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
from pyarrow import flight


class RayflightError(Exception):
    """A failure whose message is one line: what happened, then what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class EndpointLost(RayflightError):
    """The endpoint was not reached, or its answer was not: what was asked may have been done."""


# What the endpoint said itself, {said}, mostly ends with its own advice. The kind is pyarrow's word for the status.
MEANING = {
    "Unavailable": "No endpoint answers at {uri} ({said}). Start one with `rayflight start`, or correct the option uri.",
    "TimedOut": "The endpoint at {uri} did not answer in time ({said}). See whether it still runs, and run the job again.",
    "Unauthenticated": "The endpoint at {uri} wants a token, and this call has none or a wrong one. "
    'Give the one it was started with: .option("token", "...").',
    "Unauthorized": 'The endpoint at {uri} does not allow this: {said} Give a token that may, as .option("token", "...").',
    "Cancelled": "The endpoint at {uri} cancelled the call: {said} Run the job again.",
    "NotImplemented": "What answers at {uri} is not a rayflight endpoint, or an older one: {said} Correct the option uri.",
    "NotFound": "{said}",
    "Invalid": "{said}",
    "Other": "The endpoint at {uri} refused: {said}",
}

KINDS: tuple[tuple[type[BaseException], str], ...] = (
    (flight.FlightUnavailableError, "Unavailable"),
    (flight.FlightTimedOutError, "TimedOut"),
    (flight.FlightUnauthenticatedError, "Unauthenticated"),
    (flight.FlightUnauthorizedError, "Unauthorized"),
    (flight.FlightCancelledError, "Cancelled"),
    (pa.ArrowNotImplementedError, "NotImplemented"),
    (pa.ArrowKeyError, "NotFound"),
    (pa.ArrowInvalid, "Invalid"),
)

FLIGHT_FAILURES = (pa.ArrowException, flight.FlightError, pa.ArrowKeyError, pa.ArrowNotImplementedError, OSError)


def from_flight(error: BaseException, uri: str) -> RayflightError:
    """The one line for an error that pyarrow.flight raised while talking to ``uri``."""
    kind = kind_of(error)
    line = MEANING[kind].format(uri=uri, said=said(error))
    return EndpointLost(line) if kind in ("Unavailable", "TimedOut") else RayflightError(line)


def kind_of(error: BaseException) -> str:
    for known, kind in KINDS:
        if isinstance(error, known):
            return kind
    # Some calls of pyarrow, get_schema among them, raise a bare OSError that names its status at the end.
    detail = re.search(r"Detail: (\w+)\W*$", str(error))
    return detail[1] if detail and detail[1] in MEANING else "Other"


def said(error: BaseException) -> str:
    """The endpoint's own words, without what pyarrow and gRPC wrap around them."""
    text = str(error.args[0]) if error.args else type(error).__name__
    text = re.sub(r"^.*?, with message: ", "", text, count=1, flags=re.DOTALL)
    return re.split(r"\.? (?:gRPC client debug context|Client context|Detail):", text)[0].strip()


@contextmanager
def talking_to(uri: str) -> Iterator[None]:
    """Turns every failure of pyarrow.flight inside into a RayflightError, without the wire's stack behind it."""
    try:
        yield
    except FLIGHT_FAILURES as error:
        raise from_flight(error, uri) from None


def explain(error: BaseException) -> str | None:
    """The one line of a Spark exception that says what to do, or None when the failure is not of this data source."""
    text = str(error)
    ours = re.search(r"pyspark_rayflight\.errors\.\w+: (.+)", text)
    if ours:
        return ours[1].strip()
    if isinstance(error, RayflightError):
        return text
    if "UNSUPPORTED_DATA_SOURCE_SAVE_MODE" in text and "rayflight" in text:
        return (
            "Spark passes this data source only the modes append and overwrite. "
            'Write .mode("append").option("ifexists", "errorifexists"), or "ignore".'
        )
    if "DATA_SOURCE_NOT_FOUND" in text and "rayflight" in text:
        return (
            "Spark does not find the data source rayflight. Install pyspark-rayflight into the Python of the driver; "
            "from a thread of your own, call pyspark_rayflight.activate(spark) first."
        )
    return None
