"""Which operation of which service a request calls, and how often each was called."""

import json
import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from sandbox.wire import Environ, match, raw_path

_KEPT_SECONDS = 24 * 3600
_TARGETS = {
    "SageMaker": "sagemaker",
    "AnyScaleFrontendService": "application-autoscaling",
    "ServiceQuotasV20190624": "service-quotas",
    "AWSPriceListService": "pricing",
    "Logs_20140328": "logs",
    "GraniteServiceVersion20100801": "cloudwatch",
}
_SIGNING_NAMES = {"monitoring": "cloudwatch", "servicequotas": "service-quotas"}
_REST = {"lambda", "s3"}


@dataclass(frozen=True, slots=True)
class Named:
    """A request's service and operation, and what its path says."""

    service: str
    operation: str
    from_path: dict[str, str] = field(default_factory=dict)


def name(environ: Environ, body: bytes) -> Named:
    """Say what a request calls; an unsigned request without a target is taken for S3."""
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        prefix, _, operation = target.partition(".")
        return Named(_TARGETS.get(prefix) or _signing_name(environ) or prefix, operation)
    signed = _signing_name(environ)
    service = _SIGNING_NAMES.get(signed or "", signed) or "s3"
    if service == "bedrock" or (signed is None and _is_bearer(environ)):
        return _bedrock(environ)
    if service == "sagemaker" and raw_path(environ).startswith("/endpoints/"):
        return Named("sagemaker-runtime", _operation("sagemaker-runtime", environ)[0])
    if service in _REST:
        operation, from_path = _operation(service, environ)
        return Named(service, operation, from_path)
    return Named(service, _form_action(environ, body))


def _signing_name(environ: Environ) -> str | None:
    credential = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].partition(",")[0]
    parts = credential.split("/")
    if len(parts) < 5:
        query = parse_qs(environ.get("QUERY_STRING", ""))
        parts = query.get("X-Amz-Credential", [""])[0].split("/")
    return parts[-2].lower() if len(parts) >= 5 else None


def _is_bearer(environ: Environ) -> bool:
    return str(environ.get("HTTP_AUTHORIZATION", "")).startswith("Bearer ")


def _bedrock(environ: Environ) -> Named:
    if found := match("bedrock-runtime", environ):
        return Named("bedrock-runtime", *found)
    operation, from_path = match("bedrock", environ) or ("Unknown", {})
    return Named("bedrock", operation, from_path)


def _operation(service: str, environ: Environ) -> tuple[str, dict[str, str]]:
    return match(service, environ) or ("Unknown", {})


def _form_action(environ: Environ, body: bytes) -> str:
    if "form" in environ.get("CONTENT_TYPE", ""):
        return parse_qs(body.decode("utf-8", "replace")).get("Action", ["Unknown"])[0]
    if "json" in environ.get("CONTENT_TYPE", "") and body:
        found: Any = json.loads(body)
        return str(found.get("Action", "Unknown")) if isinstance(found, dict) else "Unknown"
    return parse_qs(environ.get("QUERY_STRING", "")).get("Action", ["Unknown"])[0]


class Counters:
    """How often each operation was called in each second of the last day."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: deque[tuple[int, Counter[str]]] = deque()

    def add(self, named: Named, now: float) -> None:
        """Count one call."""
        second = int(now)
        with self._lock:
            if not self._seconds or self._seconds[-1][0] < second:
                self._seconds.append((second, Counter()))
            self._seconds[-1][1][f"{named.service}.{named.operation}"] += 1
            while self._seconds[0][0] < second - _KEPT_SECONDS:
                self._seconds.popleft()

    def since(self, moment: float) -> dict[str, int]:
        """Return the number of calls by service.operation since a moment."""
        total: Counter[str] = Counter()
        with self._lock:
            for second, counted in self._seconds:
                if second >= int(moment):
                    total.update(counted)
        return dict(sorted(total.items()))

    def clear(self) -> None:
        """Forget all counts."""
        with self._lock:
            self._seconds.clear()
