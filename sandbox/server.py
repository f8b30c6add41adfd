"""The server: control endpoints, our own control planes, and moto for the rest, as one WSGI app."""

import functools
import io
import re
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server

from sandbox import admin, calls, faults, runtime, state, store, wire
from sandbox.calls import Named
from sandbox.control import autoscaling, bedrock, lambda_, pricing, quotas, sagemaker
from sandbox.wire import Answer, AwsError, Call, Environ, Handler

StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes] | None]

_OPERATIONS: dict[str, dict[str, Handler]] = {
    "bedrock": bedrock.OPERATIONS,
    "sagemaker": sagemaker.OPERATIONS,
    "application-autoscaling": autoscaling.OPERATIONS,
    "service-quotas": quotas.OPERATIONS,
    "pricing": pricing.OPERATIONS,
}
_FROM_MOTO = {*store.MOTO_SERVICES, "sts"}
_WRITES_LOGS = {"lambda", "bedrock-runtime", "sagemaker-runtime"}
_INVOCATIONS = {"Invoke", "InvokeAsync", "InvokeWithResponseStream"}
_READS = re.compile(r"(Get|List|Describe|Head|Query|Search|Simulate|Filter)[A-Z].*")


class Sandbox:
    """The WSGI app."""

    def __init__(self) -> None:
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._counters = calls.Counters()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ.get("PATH_INFO", "").startswith("/sandbox/"):
            answered = admin.answer(environ, _take_body(environ), self._counters)
            return _send(answered, start_response)
        if found := runtime.operation(environ):
            return self._with_faults(Named(*found), environ, start_response, runtime.http)
        body = _take_body(environ)
        named = calls.name(environ, body)
        serve = functools.partial(self._serve, named, body)
        return self._with_faults(named, environ, start_response, serve)

    def _with_faults(
        self, named: Named, environ: Environ, start_response: StartResponse, serve: App
    ) -> Iterable[bytes]:
        self._counters.add(named, state.now())
        if faults.is_throttled(named.service):
            return _send(faults.throttled(named.service), start_response)
        if faults.answer_is_lost(named.service):
            unheard = serve(environ, lambda *args, **kwargs: None)
            return _send(faults.lose(named.service, unheard or ()), start_response)
        try:
            return serve(environ, start_response) or ()
        finally:
            if named.service in _WRITES_LOGS:
                state.touch("runtime")
                state.touch("moto-logs")

    def _serve(
        self, named: Named, body: bytes, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        if named.service in _OPERATIONS:
            return _send(_control(named, environ, body), start_response)
        if not _moto_offers(named):
            error = AwsError(
                "UnknownOperationException",
                f"The sandbox does not offer {named.service}:{named.operation}.",
            )
            return _send(wire.refusal(error), start_response)
        with state.LOCK:
            answered: Iterable[bytes] = self._moto(environ, start_response)
            if named.service in store.MOTO_SERVICES and not _READS.fullmatch(named.operation):
                state.touch(f"moto-{named.service}")
                state.touch()
            return answered


def _moto_offers(named: Named) -> bool:
    if named.service == "lambda":
        return named.operation not in _INVOCATIONS
    return named.service in _FROM_MOTO


def _control(named: Named, environ: Environ, body: bytes) -> Answer:
    rest = named.service == "bedrock"
    content_type = "application/json" if rest else "application/x-amz-json-1.1"
    try:
        handler = _OPERATIONS[named.service].get(named.operation)
        if handler is None:
            raise AwsError(
                "UnknownOperationException",
                f"The sandbox does not offer {named.service}:{named.operation}.",
            )
        operation = wire.service_model(named.service).operation_model(named.operation)
        parameters = (
            wire.rest_parameters(operation, environ, body, named.from_path)
            if rest
            else wire.json_parameters(body)
        )
        wire.check(operation, parameters)
        with state.LOCK:
            call = Call(named.service, named.operation, parameters, state.now())
            result = handler(call)
        if not _READS.fullmatch(named.operation):
            state.touch()
        return wire.answer(
            result, content_type=content_type, status=operation.http.get("responseCode", 200)
        )
    except AwsError as error:
        return wire.refusal(error, content_type=content_type)


def _take_body(environ: Environ) -> bytes:
    stream = environ["wsgi.input"]
    if length := environ.get("CONTENT_LENGTH"):
        body = stream.read(int(length))
    elif environ.get("wsgi.input_terminated"):
        body = stream.read()
    else:
        body = b""
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    return bytes(body)


def _send(answer: Answer, start_response: StartResponse) -> list[bytes]:
    status = f"{answer.status} {HTTPStatus(answer.status).phrase}"
    headers = [*answer.headers, ("Content-Length", str(len(answer.body)))]
    start_response(status, headers)
    return [answer.body]


class _RequestHandler(MotoRequestHandler):
    """Serves without a line in the log for each request."""

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Write nothing: GET /sandbox/calls counts."""

    def connection_dropped(self, error: BaseException, environ: Environ | None = None) -> None:
        """Close the connection of a lost answer, which would else be kept for the next request."""
        self.close_connection = True


def install() -> None:
    """Correct moto's Lambda, and let the runtime half take its places."""
    lambda_.install()
    runtime.install()


def serve(*, host: str, port: int) -> BaseWSGIServer:
    """Return a server that listens; raises OSError or SystemExit when the port is taken."""
    return make_server(host, port, Sandbox(), threaded=True, request_handler=_RequestHandler)
