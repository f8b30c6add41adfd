"""Lambda where moto falls short: Pending functions, version numbers, aliases, function URLs."""

import json
import os
import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from moto.awslambda import urls
from moto.awslambda.exceptions import (
    ConflictException,
    GenericResourcNotFound,
    LambdaClientError,
)
from moto.awslambda.models import LambdaBackend, LambdaFunction, LambdaStorage, lambda_backends
from moto.awslambda.responses import LambdaResponse

from sandbox import state
from sandbox.control.listing import item
from sandbox.state import ACCOUNT_ID, REGION, Row
from sandbox.wire import iso

_URLS = "lambda_urls"


class _Conflict(LambdaClientError):
    code = 409

    def __init__(self, sentence: str) -> None:
        super().__init__("ResourceConflictException", sentence)


def install() -> None:
    """Put these corrections into moto's classes."""
    _replace(LambdaBackend, "create_function", _create_function)
    _replace(LambdaBackend, "delete_function", _delete_function)
    _replace(LambdaBackend, "delete_alias", _delete_alias)
    _replace(LambdaBackend, "put_function_concurrency", _put_concurrency)
    _replace(LambdaBackend, "create_alias", _create_alias)
    _replace(LambdaStorage, "publish_version", _publish_version)
    _replace(LambdaFunction, "get_configuration", _configuration)
    for name in ("publish_version", "update_function_code", "update_function_configuration"):
        _replace(LambdaResponse, name, _unless_pending)
    for name, method in _URL_METHODS.items():
        setattr(LambdaResponse, name, method)
    path = r"{0}/(?P<api_version>[^/]+)/functions/(?P<function_name>[\w_:%-]+)/urls/?$"
    urls.url_paths[path] = LambdaResponse.dispatch


def _replace(owner: type, name: str, better: Callable[..., Any]) -> None:
    original = getattr(owner, name)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return better(original, self, *args, **kwargs)

    setattr(owner, name, method)


def _create_function(original: Any, backend: Any, spec: dict[str, Any]) -> Any:
    made = original(backend, spec)
    latest = backend.get_function(made.function_name)
    latest.created_at = made.created_at = state.now()
    latest.ready_at = made.ready_at = latest.created_at + state.delays()["function_s"]
    return made


def is_pending(function: LambdaFunction) -> bool:
    """Say whether a function is still being created."""
    return state.now() < getattr(function, "ready_at", 0.0)


def _configuration(original: Any, function: Any, on_create: bool = False) -> dict[str, Any]:
    shown: dict[str, Any] = original(function, on_create)
    if is_pending(function):
        shown["State"], shown["StateReasonCode"] = "Pending", "Creating"
        shown["StateReason"] = "The function is being created."
    return shown


def _unless_pending(original: Any, response: Any) -> Any:
    name = unquote(response.path.split("/functions/")[1].split("/")[0])
    if is_pending(response.backend.get_function(name)):
        raise _Conflict(
            "The operation cannot be performed at this time. The function is currently in the "
            "following state: Pending"
        )
    return original(response)


def _publish_version(original: Any, storage: Any, name: str, description: str = "") -> Any:
    function = storage.get_function_by_name_or_arn_forbid_qualifier(name)
    versions = storage._functions[function.function_name]["versions"]
    before = list(versions)
    published = original(storage, name, description)
    if published in before:
        return published
    counter = state.table("lambda_versions").setdefault(function.function_name, {"last": 0})
    if int(published.version) <= counter["last"]:
        published.set_version(counter["last"] + 1)
        storage._arns.update({v.function_arn: v for v in versions})
    counter["last"] = int(published.version)
    published.created_at = state.now()
    return published


def _create_alias(original: Any, backend: Any, **wish: Any) -> Any:
    try:
        made = original(backend, **wish)
        made.created_at = state.now()
        return made
    except ConflictException as taken:
        raise _Conflict(
            f"Alias already exists: arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:"
            f"{wish['function_name']}:{wish['name']}"
        ) from taken


def _delete_alias(original: Any, backend: Any, name: str, function_name: str) -> Any:
    function = backend.get_function(function_name)
    _drop_urls(function.function_name, name)
    return original(backend, name, function_name)


def _delete_function(original: Any, backend: Any, name: str, qualifier: str | None = None) -> Any:
    function = backend.get_function(name, qualifier)
    if not qualifier:
        _drop_urls(function.function_name, None)
    return original(backend, name, qualifier)


def _drop_urls(function_name: str, qualifier: str | None) -> None:
    rows = state.table(_URLS)
    for ident, row in list(rows.items()):
        if row["FunctionName"] == function_name and qualifier in (None, row["Qualifier"]):
            del rows[ident]


def _put_concurrency(original: Any, backend: Any, name: str, reserved: Any) -> Any:
    os.environ["MOTO_LAMBDA_CONCURRENCY_QUOTA"] = str(state.quotas()["lambda_concurrency"])
    return original(backend, name, reserved)


def _subject(response: Any) -> tuple[str, str | None]:
    name = unquote(response.path.split("/functions/")[1].split("/")[0])
    function = response.backend.get_function(name.partition(":")[0] if ":" in name else name)
    return function.function_name, response._get_param("Qualifier")


def _url_of(response: Any) -> tuple[str, Row]:
    name, qualifier = _subject(response)
    for ident, row in state.table(_URLS).items():
        if (row["FunctionName"], row["Qualifier"]) == (name, qualifier):
            return ident, row
    raise GenericResourcNotFound()


def _show_url(row: Row) -> dict[str, Any]:
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{row['FunctionName']}"
    shown = {
        "FunctionUrl": f"{state.base_url()}/lambda-url/{row['id']}/",
        "FunctionArn": f"{arn}:{row['Qualifier']}" if row["Qualifier"] else arn,
        "AuthType": row["AuthType"],
        "InvokeMode": row["InvokeMode"],
        "CreationTime": iso(row["created_at"]),
        "LastModifiedTime": iso(row["modified_at"]),
    }
    return shown | ({"Cors": row["Cors"]} if row["Cors"] else {})


def _create_url(response: Any) -> tuple[int, dict[str, Any], str]:
    name, qualifier = _subject(response)
    if qualifier:
        response.backend.get_alias(qualifier, name)
    taken = state.table(_URLS).values()
    if any((r["FunctionName"], r["Qualifier"]) == (name, qualifier) for r in taken):
        raise _Conflict(
            "Failed to create function url config for [functionArn = arn:aws:lambda:"
            f"{REGION}:{ACCOUNT_ID}:function:{name}]. Error message:  FunctionUrlConfig exists "
            "for this Lambda function"
        )
    wish, now = response.json_body, state.now()
    row = {
        "id": uuid.uuid4().hex,
        "FunctionName": name,
        "Qualifier": qualifier,
        "AuthType": wish["AuthType"],
        "InvokeMode": wish.get("InvokeMode", "BUFFERED"),
        "Cors": wish.get("Cors"),
        "created_at": now,
        "modified_at": now,
    }
    state.table(_URLS)[row["id"]] = row
    return 201, {"status": 201}, json.dumps(_show_url(row))


def _get_url(response: Any) -> tuple[int, dict[str, Any], str]:
    return 200, {"status": 200}, json.dumps(_show_url(_url_of(response)[1]))


def _update_url(response: Any) -> tuple[int, dict[str, Any], str]:
    row = _url_of(response)[1]
    wish = response.json_body
    row |= {k: wish[k] for k in ("AuthType", "InvokeMode", "Cors") if k in wish}
    row["modified_at"] = state.now()
    return 200, {"status": 200}, json.dumps(_show_url(row))


def _delete_url(response: Any) -> tuple[int, dict[str, Any], str]:
    del state.table(_URLS)[_url_of(response)[0]]
    return 204, {"status": 204}, ""


def _list_urls(response: Any) -> tuple[int, dict[str, Any], str]:
    name, _ = _subject(response)
    shown = [_show_url(r) for r in state.table(_URLS).values() if r["FunctionName"] == name]
    return 200, {"status": 200}, json.dumps({"FunctionUrlConfigs": shown})


_URL_METHODS = {
    "create_function_url_config": _create_url,
    "get_function_url_config": _get_url,
    "update_function_url_config": _update_url,
    "delete_function_url_config": _delete_url,
    "list_function_url_configs": _list_urls,
}


def find_url(url_id: str) -> Row | None:
    """Return FunctionName, Qualifier, AuthType and InvokeMode behind a function URL."""
    return state.table(_URLS).get(url_id)


def inventory(now: float) -> list[dict[str, Any]]:
    """Return every function, published version, alias and function URL that exists."""
    storage = lambda_backends[ACCOUNT_ID][REGION]._lambdas
    found = []
    for name, group in list(storage._functions.items()):
        latest = group["latest"]
        status = "Pending" if is_pending(latest) else "Active"
        found.append(_item("function", name, latest.function_arn, status, latest.tags, latest))
        for version in group["versions"]:
            arn = version.function_arn
            found.append(_item("version", f"{name}:{version.version}", arn, "Active", {}, version))
        for alias in storage._aliases.get(latest.function_arn, {}).values():
            arn = f"{latest.function_arn}:{alias.name}"
            found.append(_item("alias", f"{name}:{alias.name}", arn, "exists", {}, alias))
    for row in state.table(_URLS).values():
        url = _show_url(row)["FunctionUrl"]
        found.append(item("lambda", "function-url", row["FunctionName"], url, row["created_at"]))
    return found


def _item(
    kind: str, name: str, arn: str, status: str, tags: dict[str, str], made: Any
) -> dict[str, Any]:
    return item("lambda", kind, name, arn, made.created_at, status=status, tags=tags)
