"""Why the gateway gives no answer: each with its status, its code and words that help."""

from __future__ import annotations

from cascade.domain.invoker import Trouble, UpstreamFailed

_OF_TROUBLE = {
    Trouble.THROTTLED: (429, "upstream_throttled", "rate_limit_error"),
    Trouble.TIMED_OUT: (504, "deadline_exceeded", "api_error"),
    Trouble.OVERLOADED: (503, "upstream_overloaded", "api_error"),
    Trouble.BROKEN: (502, "upstream_broken", "api_error"),
    Trouble.UNREACHABLE: (502, "upstream_unreachable", "api_error"),
    Trouble.REFUSED: (400, "upstream_refused", "invalid_request_error"),
}


class Refused(Exception):
    """There is no answer; `status` is HTTP's, `kind` OpenAI's type, `code` ours and stable."""

    def __init__(
        self,
        status: int,
        code: str,
        words: str,
        *,
        kind: str = "invalid_request_error",
        retry_after_s: float | None = None,
        path: str | None = None,
    ) -> None:
        super().__init__(words)
        self.status = status
        self.code = code
        self.words = words
        self.kind = kind
        self.retry_after_s = retry_after_s
        self.path = path


def draining() -> Refused:
    """Return the refusal of a process that ends."""
    return Refused(
        503, "draining", "This gateway is stopping; ask again.", kind="api_error", retry_after_s=1.0
    )


def too_busy(why: str) -> Refused:
    """Return the refusal of a process that has its hands full."""
    return Refused(503, "too_busy", f"{why}; ask again.", kind="api_error", retry_after_s=1.0)


def no_policies() -> Refused:
    """Return the refusal before the first snapshot."""
    return Refused(
        503,
        "no_policies",
        "No policies have come yet; ask again.",
        kind="api_error",
        retry_after_s=2.0,
    )


def over_budget(scope: str) -> Refused:
    """Return the refusal of who has no money left this month."""
    who = {"key": "this key", "feature": "this feature", "team": "the team"}
    named = who.get(scope.partition(":")[0], "the organisation")
    return Refused(
        429,
        "insufficient_quota",
        f"The monthly limit of {named} would be passed. It begins anew on the first of the month "
        "(UTC), or somebody raises it.",
        kind="insufficient_quota",
    )


def uncounted(why: str) -> Refused:
    """Return the refusal while nobody can say what may be spent."""
    return Refused(
        503,
        "budget_unknown",
        f"Budgets cannot be checked right now, so nothing is spent. {why}",
        kind="api_error",
        retry_after_s=2.0,
    )


def unforeseen() -> Refused:
    """Return the refusal of what nobody foresaw: a fault of ours, told without its insides."""
    return Refused(500, "internal", "The gateway failed; its log says how.", kind="api_error")


def by_upstreams(failed: UpstreamFailed | None, reason: str) -> Refused:
    """Return the refusal after every stage failed; the last failure decides the status."""
    if failed is None:
        return Refused(
            502, "no_good_answer", f"No stage gave an answer that is good enough: {reason}"
        )
    status, code, kind = _OF_TROUBLE[failed.trouble]
    return Refused(
        status,
        code,
        f"No stage answered: {reason}. The last one said: {failed.words[:500]}",
        kind=kind,
        retry_after_s=failed.retry_after_s or (1.0 if status in (429, 503) else None),
    )
