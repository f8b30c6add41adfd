"""Idempotency-Key on every POST: asked twice, done once, answered alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from portal.models import IdempotentReply
from portal.rest.problems import MEDIA_TYPE, json_reply

HEADER = "Idempotency-Key"
LONGEST = 200
# Longer than any request may run: after it, whoever had the key is taken to be lost.
LOST_AFTER = timedelta(seconds=120)
KEPT_FOR = timedelta(days=7)
# What says nothing about the work (who asks, how often, a failure of ours) is not kept.
NOT_KEPT = {401, 403, 429}


class IdempotencyMiddleware:
    """Give the first answer again to a POST that carries the same key and the same body."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.headers.get(HEADER)
        if key is None or request.method != "POST" or not request.path.startswith("/api/v1/"):
            return self.get_response(request)
        if not 1 <= len(key) <= LONGEST or not key.isprintable():
            return json_reply(
                status=422,
                code="invalid",
                detail=f"An {HEADER} has 1 to {LONGEST} readable characters.",
                path=request.path,
            )
        owner = _owner(request)
        if owner is None:
            return self.get_response(request)
        return self._once(request, owner=owner, key=key)

    def _once(self, request: HttpRequest, *, owner: str, key: str) -> HttpResponse:
        digest = _digest(request)
        held = _begin(owner=owner, key=key, digest=digest)
        if isinstance(held, HttpResponse):
            held.headers.setdefault("Content-Type", "application/json")
            return held
        try:
            reply = self.get_response(request)
        except BaseException:
            held.delete()
            raise
        _end(held, reply)
        return reply


def _owner(request: HttpRequest) -> str | None:
    header = request.headers.get("Authorization", "")
    if header:
        return f"key:{hashlib.sha256(header.encode()).hexdigest()}"
    if request.user.is_authenticated:
        return f"user:{request.user.pk}"
    return None


def _digest(request: HttpRequest) -> str:
    what = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    what.update(request.body)
    return what.hexdigest()


def _begin(*, owner: str, key: str, digest: str) -> IdempotentReply | HttpResponse:
    now = timezone.now()
    try:
        with transaction.atomic():
            return IdempotentReply.objects.create(
                owner=owner, key=key, request_sha256=digest, created_at=now
            )
    except IntegrityError:
        row = IdempotentReply.objects.filter(owner=owner, key=key).first()
    if row is None:
        return _begin(owner=owner, key=key, digest=digest)
    if row.request_sha256 != digest:
        return json_reply(
            status=422,
            code="idempotency-key-reused",
            detail=f"This {HEADER} came with another request before; use a new one.",
            path="",
        )
    if row.status is not None:
        return _again(row)
    lost = IdempotentReply.objects.filter(
        pk=row.pk, status=None, created_at__lte=now - LOST_AFTER
    ).update(created_at=now)
    if lost:
        return row
    return json_reply(
        status=409,
        code="still-running",
        detail="The first request with this key is still being answered; ask again in a moment.",
        path="",
    )


def _again(row: IdempotentReply) -> HttpResponse:
    is_problem = row.status is not None and row.status >= 400
    reply = JsonResponse(
        row.body,
        safe=False,
        status=row.status,
        content_type=MEDIA_TYPE if is_problem else "application/json",
    )
    reply["Idempotent-Replayed"] = "true"
    return reply


def _end(held: IdempotentReply, reply: HttpResponse) -> None:
    if reply.status_code >= 500 or reply.status_code in NOT_KEPT:
        held.delete()
        return
    body = json.loads(reply.content) if reply.content else None
    if isinstance(body, dict) and "secret" in body:
        body["secret"] = None  # shown once, kept nowhere
    IdempotentReply.objects.filter(pk=held.pk).update(status=reply.status_code, body=body)
