"""Function URLs: an HTTP request becomes an event of payload format 2.0, its result a response."""

import base64
import json
import uuid
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from sandbox import state
from sandbox.control import lambda_
from sandbox.runtime.functions import operations, running
from sandbox.runtime.functions.find import find
from sandbox.runtime.request import Reply, Request, plain
from sandbox.wire import Answer, AwsError

_TEXT = ("text/", "application/json", "application/javascript", "application/xml")
_FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)


def invoke(request: Request) -> Reply:
    """Run the function behind a URL; 404, 403, 413, 429 and 502 as AWS answers them."""
    with state.LOCK:
        row = lambda_.find_url(request.named["url_id"])
    if row is None:
        return _message(404, "Not Found")
    if row["AuthType"] == "AWS_IAM" and "AWS4-HMAC-SHA256" not in request.header("Authorization"):
        return _message(403, _FORBIDDEN)
    if len(request.body) > operations.MAX_SYNC_BYTES:
        return _message(413, "Request Too Long")
    try:
        found = find(row["FunctionName"], row["Qualifier"])
        outcome = running.invoke(found, _event(request, row["AuthType"]))
    except running.Throttled as refused:
        return _json(429, {"Reason": refused.reason, "Type": "User", "message": refused.message})
    except AwsError as refused:
        return _message(refused.status, refused.message)
    if outcome.error:
        return _internal_error()
    return _response(json.loads(outcome.payload))


def _message(status: int, said: str) -> Reply:
    return _json(status, {"Message": said})


def _json(status: int, body: dict[str, Any]) -> Reply:
    headers = (("Content-Type", "application/json"),)
    return plain(Answer(status, headers, json.dumps(body).encode()))


def _internal_error() -> Reply:
    headers = (("Content-Type", "application/json"),)
    return plain(Answer(502, headers, b"Internal Server Error"))


def _headers(environ: dict[str, Any]) -> dict[str, str]:
    found = {
        key[5:].replace("_", "-").lower(): str(value)
        for key, value in environ.items()
        if key.startswith("HTTP_")
    }
    for key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(key):
            found[key.replace("_", "-").lower()] = str(environ[key])
    return found


def _event(request: Request, auth: str) -> dict[str, Any]:
    headers = _headers(request.environ)
    cookies = [c.strip() for c in headers.pop("cookie", "").split(";") if c.strip()]
    query = str(request.environ.get("QUERY_STRING", ""))
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        parameters[name] = f"{parameters[name]},{value}" if name in parameters else value
    event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": unquote(request.named["path"]),
        "rawQueryString": query,
        "headers": headers,
        "requestContext": _context(request, headers, auth),
        "isBase64Encoded": False,
    }
    if cookies:
        event["cookies"] = cookies
    if parameters:
        event["queryStringParameters"] = parameters
    return event | _body(request.body, headers.get("content-type", ""))


def _body(body: bytes, content_type: str) -> dict[str, Any]:
    """Return body and isBase64Encoded: text stays text, all else is base64."""
    if not body:
        return {}
    if content_type.lower().startswith(_TEXT):
        try:
            return {"body": body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def _context(request: Request, headers: dict[str, str], auth: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    url_id = request.named["url_id"]
    return {
        "accountId": "anonymous" if auth == "NONE" else state.ACCOUNT_ID,
        "apiId": url_id,
        "domainName": headers.get("host", ""),
        "domainPrefix": url_id,
        "http": {
            "method": request.environ["REQUEST_METHOD"],
            "path": unquote(request.named["path"]),
            "protocol": request.environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
            "sourceIp": request.environ.get("REMOTE_ADDR", ""),
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": str(uuid.uuid4()),
        "routeKey": "$default",
        "stage": "$default",
        "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(now.timestamp() * 1000),
    }


def _response(result: Any) -> Reply:
    """Turn a handler's result into HTTP; one without statusCode is the body of a 200."""
    if not isinstance(result, dict) or "statusCode" not in result:
        text = result if isinstance(result, str) else json.dumps(result)
        return plain(Answer(200, (("Content-Type", "application/json"),), text.encode()))
    try:
        status = int(result["statusCode"])
        body = _response_body(result)
    except (TypeError, ValueError):
        return _internal_error()
    given = {str(k).lower(): str(v) for k, v in (result.get("headers") or {}).items()}
    given.setdefault("content-type", "application/json")
    given.pop("content-length", None)
    cookies = tuple(("set-cookie", str(c)) for c in result.get("cookies") or ())
    if not 100 <= status <= 599 or any("\n" in v or "\r" in v for v in given.values()):
        return _internal_error()
    return plain(Answer(status, (*given.items(), *cookies), body))


def _response_body(result: dict[str, Any]) -> bytes:
    body = result.get("body")
    if body is None:
        return b""
    text = body if isinstance(body, str) else json.dumps(body)
    return base64.b64decode(text, validate=True) if result.get("isBase64Encoded") else text.encode()
