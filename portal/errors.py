"""The one exception family the faces know how to show."""

from collections.abc import Mapping


class Refusal(Exception):
    """A use case said no, for a reason the caller can act on.

    `fields` maps an input's name to the sentence about it; both faces show them beside the input.
    """

    code = "refused"
    status = 409

    def __init__(self, sentence: str, *, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(sentence)
        self.fields = dict(fields or {})


class NotFound(Refusal):
    """It does not exist, or the actor may not know that it does."""

    code = "not-found"
    status = 404


class NotAllowed(Refusal):
    """The actor sees it and may not do this to it."""

    code = "not-allowed"
    status = 403


class Invalid(Refusal):
    """The input cannot be taken as it is; the sentence says what would be right."""

    code = "invalid"
    status = 422


class Conflict(Refusal):
    """It was possible a moment ago, or will be later, but not in the present state."""

    code = "conflict"
    status = 409
