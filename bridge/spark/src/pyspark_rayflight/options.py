"""Options of a read and of a write, checked once, on the driver, before any task runs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from urllib.parse import urlsplit

from pyspark_rayflight.errors import RayflightError

EXAMPLE_URI = "grpc://127.0.0.1:8815"
SCHEMES = ("grpc", "grpc+tcp", "grpc+tls")
MODES = ("append", "overwrite", "errorifexists", "ignore")


@dataclass(frozen=True)
class ReadOptions:
    uri: str
    dataset: str
    token: str | None
    columns: tuple[str, ...] | None
    version: int | None

    @staticmethod
    def parse(given: Mapping[str, str]) -> ReadOptions:
        """Raises RayflightError when an option is missing, malformed or unknown."""
        refuse_unknown(given, ("uri", "dataset", "path", "token", "columns", "version"))
        return ReadOptions(
            uri=parse_uri(given.get("uri")),
            dataset=parse_dataset(given),
            token=choose_token(given.get("token")),
            columns=parse_columns(given.get("columns")),
            version=parse_version(given.get("version")),
        )


@dataclass(frozen=True)
class WriteOptions:
    uri: str
    dataset: str
    token: str | None
    mode: str
    metadata: dict[str, str]

    @staticmethod
    def parse(given: Mapping[str, str], overwrite: bool) -> WriteOptions:
        """As of a read; ``overwrite`` is what Spark tells of the save mode, which ``ifexists`` refines."""
        refuse_unknown(given, ("uri", "dataset", "path", "token", "ifexists", "metadata"))
        return WriteOptions(
            uri=parse_uri(given.get("uri")),
            dataset=parse_dataset(given),
            token=choose_token(given.get("token")),
            mode=parse_mode(given.get("ifexists"), overwrite),
            metadata=parse_metadata(given.get("metadata")),
        )


def parse_uri(uri: str | None) -> str:
    if not uri:
        raise RayflightError(f'Option "uri" is missing. Say where the endpoint is: .option("uri", "{EXAMPLE_URI}").')
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise RayflightError(f'The uri "{uri}" is malformed ({error}). Write it as {EXAMPLE_URI}.') from None
    if parts.scheme not in SCHEMES or "://" not in uri:
        raise RayflightError(f'The uri "{uri}" has no scheme that Arrow Flight knows. Write it as {EXAMPLE_URI}.')
    if not host or not port or parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
        raise RayflightError(f'The uri "{uri}" is malformed. Write a scheme, a host and a port, as in {EXAMPLE_URI}.')
    return f"{parts.scheme}://{parts.netloc}"


def parse_dataset(given: Mapping[str, str]) -> str:
    name, path = given.get("dataset"), given.get("path")
    if name and path and name != path:
        raise RayflightError(f'Two names are given, dataset "{name}" and path "{path}". Give one of them.')
    name = name or path
    if not name:
        raise RayflightError('Option "dataset" is missing. Name the dataset: .option("dataset", "battery/phase_1").')
    return name


def choose_token(given: str | None) -> str | None:
    """The token that is given, else the environment's, so that none need stand on a command line."""
    return given or os.environ.get("RAYFLIGHT_TOKEN") or None


def parse_mode(ifexists: str | None, overwrite: bool) -> str:
    if ifexists is None:
        return "overwrite" if overwrite else "append"
    mode = ifexists.lower()
    if mode not in MODES:
        raise RayflightError(f'Option "ifexists" is "{ifexists}". Give one of {", ".join(MODES)}.')
    if overwrite and mode != "overwrite":
        raise RayflightError(f'.mode("overwrite") contradicts option ifexists="{mode}". Use .mode("append") with it.')
    return mode


def parse_metadata(text: str | None) -> dict[str, str]:
    if text is None:
        return {}
    try:
        pairs = json.loads(text)
    except ValueError as error:
        raise RayflightError(f'Option "metadata" is not JSON ({error}). Give an object of strings.') from None
    if not isinstance(pairs, dict) or not all(isinstance(value, str) for value in pairs.values()):
        raise RayflightError('Option "metadata" is not an object of strings. Give JSON such as {"owner": "grid team"}.')
    return pairs


def parse_columns(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    columns = tuple(name.strip() for name in text.split(","))
    if not all(columns) or len(set(columns)) != len(columns):
        raise RayflightError(f'Option "columns" is "{text}". Name each column once: .option("columns", "t,net").')
    return columns


def parse_version(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise RayflightError(
            f'Option "version" is "{text}". Give a whole number from 1, or leave it out for the newest.'
        )
    return int(text)


def refuse_unknown(given: Mapping[str, str], known: tuple[str, ...]) -> None:
    """A misspelt option must not be dropped in silence."""
    for name in given:
        if name.lower() not in known:
            near = get_close_matches(name.lower(), known, 1)
            hint = f'Did you mean "{near[0]}"?' if near else f"There are {', '.join(known)}."
            raise RayflightError(f'There is no option "{name}" here. {hint}')
