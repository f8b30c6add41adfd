"""What every page shows around its content."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from portal import aws
from portal.access import Actor
from portal.models import Team
from portal.queries.people import teams

# Label, name of the page, icon. What an app does not offer (yet) is left out.
PLACES = (
    ("Home", "portal:home", "home"),
    ("Features", "portal:features", "features"),
    ("Portfolio", "deployments:portfolio", "portfolio"),
    ("Fleet", "deployments:fleet", "fleet"),
    ("Cascades", "cascade:cascades", "cascades"),
    ("Spend", "billing:spend", "spend"),
    ("Activity", "portal:activity", "activity"),
    ("Settings", "portal:settings", "settings"),
)
ACCOUNT = (
    ("Account", "portal:account"),
    ("API keys", "portal:keys"),
    ("API reference", "api-docs"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """One entry of a menu."""

    label: str
    url: str
    icon: str = ""
    is_active: bool = False


def frame(request: HttpRequest) -> dict[str, Any]:
    """Return `frame`: navigation, the budget line's address, whether this is the sandbox, who."""
    actor: Actor | None = getattr(request, "actor", None)
    common = {
        "sandbox": aws.is_sandbox(),
        "sign_in_hint": settings.SIGN_IN_HINT,
        "open_signup": settings.OPEN_SIGNUP,
        "sends_mail": bool(settings.EMAIL_HOST),
    }
    if actor is None:
        return {"frame": {**common, "navigation": [], "actor": None}}
    # Evaluated at most once, and only by a page that shows it.
    mine = teams(actor=actor)
    return {
        "frame": {
            **common,
            "actor": actor,
            "navigation": _navigation(request.path),
            "account": [Place(label, url) for label, name in ACCOUNT if (url := url_of(name))],
            "budget_line_url": url_of("billing:budget_line"),
            "search_url": url_of("portal:search"),
            "teams": mine,
            "team": SimpleLazyObject(lambda: _active(mine, request.GET.get("team", ""))),
            "as_of": timezone.now(),
        }
    }


def url_of(name: str, *args: str) -> str:
    """Return the address of a page; empty when no app offers it."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def places() -> list[Place]:
    """Return the pages of the navigation that exist here."""
    return [Place(label, url, icon) for label, name, icon in PLACES if (url := url_of(name))]


def _navigation(path: str) -> list[Place]:
    return [
        Place(place.label, place.url, place.icon, _is_active(path, place.url)) for place in places()
    ]


def _is_active(path: str, url: str) -> bool:
    if url == "/":
        return path == url
    # Settings opens its first page; all pages of a place begin like it.
    return path.startswith(url)


def _active(teams_seen: Iterable[Team], slug: str) -> Team | None:
    return next((team for team in teams_seen if team.slug == slug), None)
