"""Which requests the runtime half answers, and how its refusals look on the wire."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from sandbox import state
from sandbox.runtime.functions import operations as functions
from sandbox.runtime.functions import urls
from sandbox.runtime.hosting import operations as hosting
from sandbox.runtime.metrics import operations as metrics
from sandbox.runtime.models import operations as models
from sandbox.runtime.request import Reply, Request, plain, read_body
from sandbox.wire import AwsError, raw_path, refusal

Environ = dict[str, Any]
Handle = Callable[[Request], Reply]
_CLOUDWATCH = "GraniteServiceVersion20100801."


@dataclass(frozen=True, slots=True)
class Route:
    """One operation and where it is found."""

    service: str
    operation: str
    path: re.Pattern[str]
    handle: Handle


def _model(operation: str, verb: str, handle: Handle) -> Route:
    path = re.compile(rf"/model/(?P<model_id>[^/]+(?:/[^/]+)*?)/{verb}")
    return Route("bedrock-runtime", operation, path, handle)


def _endpoint(operation: str, verb: str, handle: Handle) -> Route:
    path = re.compile(rf"/endpoints/(?P<endpoint>[^/]+)/{verb}")
    return Route("sagemaker-runtime", operation, path, handle)


_POSTED = (
    _model("Converse", "converse", models.converse),
    _model("ConverseStream", "converse-stream", models.converse_stream),
    _model("InvokeModel", "invoke", models.invoke),
    _model("InvokeModelWithResponseStream", "invoke-with-response-stream", models.invoke_stream),
    _model("CountTokens", "count-tokens", models.count_tokens),
    _endpoint("InvokeEndpoint", "invocations", hosting.invoke),
    _endpoint(
        "InvokeEndpointWithResponseStream",
        "invocations-response-stream",
        hosting.invoke_stream,
    ),
    Route(
        "lambda",
        "Invoke",
        re.compile(r"/2015-03-31/functions/(?P<function>[^/]+)/invocations/?"),
        functions.invoke,
    ),
)
_URL = Route(
    "lambda",
    "InvokeFunctionUrl",
    re.compile(r"/lambda-url/(?P<url_id>[^/]+)(?P<path>/.*)?"),
    urls.invoke,
)
_METRICS: dict[str, Handle] = {
    "PutMetricData": metrics.put,
    "GetMetricData": metrics.get_data,
    "GetMetricStatistics": metrics.get_statistics,
    "ListMetrics": metrics.list_metrics,
}


def find(environ: Environ) -> tuple[Route, dict[str, str]] | None:
    """Return the route of a request and what its path names, or None; reads nothing."""
    path = raw_path(environ)
    if found := _URL.path.fullmatch(path):
        named = found.groupdict()
        return _URL, {"url_id": named["url_id"], "path": named["path"] or "/"}
    if environ["REQUEST_METHOD"] != "POST":
        return None
    for route in _POSTED:
        if found := route.path.fullmatch(path):
            return route, {name: unquote(value) for name, value in found.groupdict().items()}
    return _metric_route(path, environ.get("HTTP_X_AMZ_TARGET", ""))


def _metric_route(path: str, target: str) -> tuple[Route, dict[str, str]] | None:
    if path not in {"", "/"} or not target.startswith(_CLOUDWATCH):
        return None
    name = target.removeprefix(_CLOUDWATCH)
    if name not in _METRICS:
        return None
    return Route("cloudwatch", name, re.compile("/"), _METRICS[name]), {}


def serve(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes] | None:
    """Answer a request of the runtime half; None when it is not one."""
    found = find(environ)
    if found is None:
        return None
    route, named = found
    try:
        reply = route.handle(Request(environ, named, read_body(environ)))
    except AwsError as refused:
        reply = plain(refusal(refused, content_type="application/json"))
    state.touch("runtime")
    start_response(f"{reply.status} {_phrase(reply.status)}", list(reply.headers))
    return reply.body


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
