"""What every page shows around its content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from portal import aws
from portal.access import Actor

PLACES = (
    ("Home", "portal:home", "home"),
    ("Features", "portal:features", "features"),
    ("Fleet", "deployments:fleet", "fleet"),
    ("Spend", "billing:spend", "spend"),
    ("Activity", "portal:activity", "activity"),
    ("Settings", "portal:settings", "settings"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of the navigation."""

    label: str
    url: str
    icon: str
    is_active: bool


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return `frame`: navigation, the budget line's address, whether this is the sandbox, who."""
    actor: Actor | None = getattr(request, "actor", None)
    if actor is None:
        return {"frame": {"sandbox": aws.is_sandbox(), "navigation": [], "actor": None}}
    return {
        "frame": {
            "sandbox": aws.is_sandbox(),
            "navigation": _navigation(request.path),
            "actor": actor,
            "budget_line_url": _url("billing:budget_line"),
            "search_url": _url("portal:search"),
            "as_of": timezone.now(),
        }
    }


def _url(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def _navigation(path: str) -> list[Place]:
    found = []
    for label, name, icon in PLACES:
        url = _url(name)
        if url:
            is_active = path == url if url == "/" else path.startswith(url)
            found.append(Place(label, url, icon, is_active))
    return found
