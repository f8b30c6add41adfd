"""AWS's JSON protocols on the wire: which operation a request names, its parameters, its answer."""

import functools
import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote

import botocore.session
from botocore.model import OperationModel, ServiceModel
from botocore.validate import ParamValidator

Environ = dict[str, Any]
_MAX_ENUM_IN_MESSAGE = 300
_COPIES = {"CopyObject", "UploadPartCopy"}


class AwsError(Exception):
    """A refusal in AWS's own words: error code, sentence and HTTP status."""

    def __init__(self, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Call:
    """One request of a client, understood."""

    service: str
    operation: str
    parameters: dict[str, Any]
    now: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the client."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


Handler = Callable[[Call], dict[str, Any]]


@functools.cache
def service_model(service: str) -> ServiceModel:
    """Return botocore's model of a service."""
    return botocore.session.get_session().get_service_model(service)


@functools.cache
def routes(service: str) -> tuple[tuple[str, re.Pattern[str], frozenset[str], str], ...]:
    """Return (method, path pattern, required query keys, operation) of a REST service.

    The most specific come first.
    """
    found = []
    model = service_model(service)
    for name in model.operation_names:
        http = model.operation_model(name).http
        path, _, query = http["requestUri"].partition("?")
        pattern = re.escape(path.rstrip("/") or "/")
        pattern = re.sub(r"\\\{(\w+)\\\+\\\}", r"(?P<\1>.+)", pattern)
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", pattern)
        keys = frozenset(part.partition("=")[0] for part in query.split("&") if part)
        found.append((http["method"], re.compile(f"{pattern}/?"), keys, name, path))
    found.sort(key=lambda row: (-len(row[2]), row[4].count("{"), -len(row[4])))
    return tuple(row[:4] for row in found)


def match(service: str, environ: Environ) -> tuple[str, dict[str, str]] | None:
    """Return the REST operation that a request names and what its path says."""
    path = raw_path(environ)
    given = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True).keys()
    for method, pattern, keys, operation in routes(service):
        if method != environ["REQUEST_METHOD"] or not keys <= given:
            continue
        if operation in _COPIES and "HTTP_X_AMZ_COPY_SOURCE" not in environ:
            continue
        if found := pattern.fullmatch(path):
            return operation, {k: unquote(v) for k, v in found.groupdict().items()}
    return None


def raw_path(environ: Environ) -> str:
    """Return the path as sent, so that an encoded slash of an ARN does not split it."""
    raw = environ.get("REQUEST_URI") or environ.get("RAW_URI") or environ.get("PATH_INFO", "/")
    return str(raw).partition("?")[0]


def json_parameters(body: bytes) -> dict[str, Any]:
    """Return the parameters of a JSON-protocol call; refuses broken JSON."""
    try:
        found = json.loads(body or b"{}")
    except ValueError as broken:
        raise AwsError("SerializationException", "The request body is not valid JSON.") from broken
    if not isinstance(found, dict):
        raise AwsError("SerializationException", "The request body must be a JSON object.")
    return found


def rest_parameters(
    operation: OperationModel, environ: Environ, body: bytes, from_path: dict[str, str]
) -> dict[str, Any]:
    """Return the parameters of a REST-JSON call from its path, query and body."""
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    found = json_parameters(body) if body else {}
    for name, shape in operation.input_shape.members.items() if operation.input_shape else ():
        wire_name = shape.serialization.get("name", name)
        match shape.serialization.get("location"):
            case "uri":
                found[name] = from_path[wire_name]
            case "querystring" if wire_name in query:
                found[name] = _number(query[wire_name][0], shape.type_name)
    return found


def _number(text: str, type_name: str) -> Any:
    if type_name not in {"integer", "long"}:
        return text
    try:
        return int(text)
    except ValueError as broken:
        raise AwsError("ValidationException", f"'{text}' is not a number.") from broken


def check(operation: OperationModel, parameters: dict[str, Any]) -> None:
    """Refuse what AWS's own model of the operation does not allow."""
    if operation.input_shape is None:
        return
    report = ParamValidator().validate(parameters, operation.input_shape)
    if report.has_errors():
        raise AwsError("ValidationException", report.generate_report())
    unknown = parameters.keys() - operation.input_shape.members.keys()
    if unknown:
        raise AwsError("ValidationException", f"Unknown parameter: {sorted(unknown)[0]}")
    _check_enums(operation.input_shape, parameters, "")


def _check_enums(shape: Any, value: Any, at: str) -> None:
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            if value.get(name) is not None:
                _check_enums(member, value[name], f"{at}.{name[0].lower()}{name[1:]}")
    elif shape.type_name == "list":
        for number, item in enumerate(value, start=1):
            _check_enums(shape.member, item, f"{at}.{number}.member")
    elif getattr(shape, "enum", None) and value not in shape.enum:
        allowed = ", ".join(shape.enum[:_MAX_ENUM_IN_MESSAGE])
        raise AwsError(
            "ValidationException",
            f"1 validation error detected: Value '{value}' at '{at.lstrip('.')}' failed to satisfy "
            f"constraint: Member must satisfy enum value set: [{allowed}]",
        )


def answer(result: dict[str, Any], *, content_type: str, status: int = 200) -> Answer:
    """Return a result as JSON."""
    body = json.dumps(result).encode()
    return Answer(status, (("Content-Type", content_type), *_request_id()), body)


def refusal(error: AwsError, *, content_type: str = "application/x-amz-json-1.1") -> Answer:
    """Return an error such that the JSON and the REST-JSON clients both read its code."""
    body = json.dumps({"__type": error.code, "message": error.message, "Message": error.message})
    headers = (
        ("Content-Type", content_type),
        ("x-amzn-ErrorType", error.code),
        *_request_id(),
    )
    return Answer(error.status, headers, body.encode())


def _request_id() -> tuple[tuple[str, str], ...]:
    return (("x-amzn-RequestId", str(uuid.uuid4())),)


def iso(seconds: float) -> str:
    """Write a moment as REST-JSON does."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def page(
    rows: list[Any], call: Call, *, size: str = "MaxResults", cursor: str = "NextToken"
) -> tuple[list[Any], dict[str, str]]:
    """Return the page that a call asks for, and the token of the next one if there is one."""
    raw = call.parameters.get(cursor) or "0"
    if not raw.isdigit() or int(raw) > len(rows):
        raise AwsError("ValidationException", "The pagination token is not valid.")
    begin, count = int(raw), int(call.parameters.get(size) or 100)
    more = {cursor: str(begin + count)} if begin + count < len(rows) else {}
    return rows[begin : begin + count], more
