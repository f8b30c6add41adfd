"""Idempotency-Key on every POST: asked twice, done once, answered alike.

The key is claimed by a row of its own before the work and the answer is written into it after.
When the process dies between the two, the claim is free again after LOST_AFTER.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed

from portal.models import IdempotentReply
from portal.rest.authentication import key_of_header
from portal.rest.problems import MEDIA_TYPE, json_reply

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
LONGEST = 200
READABLE = re.compile(r"[!-~]+")  # as the document says
# Longer than any request may run: after it, whoever had the key is taken to be lost.
LOST_AFTER = timedelta(seconds=120)
KEPT_FOR = timedelta(days=7)
# What says nothing about the work (who asks, how often, a failure of ours) is not kept.
NOT_KEPT = {401, 403, 429}
SWEEP_EVERY = 256
# Fields of an answer that are shown once and kept nowhere.
SHOWN_ONCE = ("secret", "link")


class IdempotencyMiddleware:
    """Give the first answer again to a POST that carries the same key and the same body."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.headers.get(HEADER)
        if key is None or request.method != "POST" or not request.path.startswith("/api/v1/"):
            return self.get_response(request)
        if len(key) > LONGEST or not READABLE.fullmatch(key):
            return json_reply(
                status=422,
                code="invalid",
                detail=f"An {HEADER} has 1 to {LONGEST} letters, digits and signs, no spaces.",
                path=request.path,
            )
        owner = _owner(request)
        if owner is None:
            return self.get_response(request)
        return self._once(request, owner=owner, key=key)

    def _once(self, request: HttpRequest, *, owner: str, key: str) -> HttpResponse:
        digest = _digest(request)
        held = _begin(owner=owner, key=key, digest=digest, path=request.path)
        if isinstance(held, HttpResponse):
            return held
        try:
            reply = self.get_response(request)
        except BaseException:
            _forget(held)
            raise
        _end(held, reply)
        return reply


def _owner(request: HttpRequest) -> str | None:
    """Return whose the key is; None for who is not signed in, whom the view then refuses."""
    if header := request.headers.get("Authorization", ""):
        try:
            key = key_of_header(header, now=timezone.now())
        except AuthenticationFailed:
            return None
        return f"key:{key.pk}" if key else None
    return f"user:{request.user.pk}" if request.user.is_authenticated else None


def _digest(request: HttpRequest) -> str:
    what = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    what.update(request.body)
    return what.hexdigest()


def _begin(*, owner: str, key: str, digest: str, path: str) -> IdempotentReply | HttpResponse:
    """Claim the key; or return the answer given before, or why there is none."""
    now = timezone.now()
    row, is_new = IdempotentReply.objects.get_or_create(
        owner=owner, key=key, defaults={"request_sha256": digest, "created_at": now}
    )
    if is_new:
        if row.pk % SWEEP_EVERY == 0:
            IdempotentReply.objects.filter(created_at__lt=now - KEPT_FOR).delete()
        return row
    if row.request_sha256 != digest:
        words = f"This {HEADER} came with another request before; use a new one."
        return json_reply(status=422, code="idempotency-key-reused", detail=words, path=path)
    if row.status is not None:
        return _again(row)
    stale = IdempotentReply.objects.filter(
        pk=row.pk, status=None, created_at=row.created_at, created_at__lte=now - LOST_AFTER
    )
    if stale.update(created_at=now):
        return row
    words = "The first request with this key is still being answered; ask again in a moment."
    reply = json_reply(status=409, code="still-running", detail=words, path=path)
    reply["Retry-After"] = "1"
    return reply


def _again(row: IdempotentReply) -> HttpResponse:
    if row.status == 204:
        return HttpResponse(status=204, headers={REPLAYED: "true"})
    is_problem = row.status is not None and row.status >= 400
    reply = JsonResponse(
        row.body,
        safe=False,
        status=row.status,
        content_type=MEDIA_TYPE if is_problem else "application/json",
    )
    reply[REPLAYED] = "true"
    return reply


def _forget(held: IdempotentReply) -> None:
    IdempotentReply.objects.filter(pk=held.pk, status=None).delete()


def _end(held: IdempotentReply, reply: HttpResponse) -> None:
    is_json = "json" in reply.get("Content-Type", "")
    if reply.status_code >= 500 or reply.status_code in NOT_KEPT or reply.streaming:
        _forget(held)
        return
    body = json.loads(reply.content) if is_json and reply.content else None
    if isinstance(body, dict):
        body |= {name: None for name in SHOWN_ONCE if name in body}
    IdempotentReply.objects.filter(pk=held.pk).update(status=reply.status_code, body=body)
