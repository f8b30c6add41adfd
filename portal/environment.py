"""Reading the environment: loud on nonsense."""

from __future__ import annotations

import os
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from django.core.exceptions import ImproperlyConfigured


def env(name: str, default: str = "") -> str:
    """Return an environment variable, or its default when unset or empty."""
    return os.environ.get(name) or default


def env_bool(name: str, *, default: bool) -> bool:
    """Return a True/False variable. Raises ImproperlyConfigured on anything else."""
    value = env(name, str(default))
    if value not in ("True", "False"):
        raise ImproperlyConfigured(f"{name} must be True or False, not {value!r}.")
    return value == "True"


def env_int(name: str, *, default: int) -> int:
    """Return a whole-number variable. Raises ImproperlyConfigured on anything else."""
    value = env(name, str(default))
    if not value.isdigit():
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.")
    return int(value)


def env_list(name: str) -> list[str]:
    """Return a comma-separated variable as a list."""
    return [part.strip() for part in env(name).split(",") if part.strip()]


def every(seconds: int, task: str, *, expires_s: int) -> dict[str, object]:
    """Return beat's entry for a task; a message that waited longer than `expires_s` is dropped."""
    return {"task": task, "schedule": seconds, "options": {"expires": expires_s}}


def beside(url: str, *, database: int) -> str:
    """Return the URL of another database of the same Redis or Valkey; empty for an empty URL."""
    parts = urlsplit(url)
    if not parts.scheme:
        return ""
    if parts.scheme == "unix":
        rest = [(name, value) for name, value in parse_qsl(parts.query) if name != "db"]
        # urlunsplit would drop the empty host that such a URL needs.
        return f"unix://{parts.path}?{urlencode([*rest, ('db', database)])}"
    return urlunsplit(parts._replace(path=f"/{database}"))


def database(url: str) -> dict[str, object]:
    """Return Django's database settings for `postgresql://user:password@host:port/name?host=DIR`."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise ImproperlyConfigured(f"DATABASE_URL must begin with postgresql://, not {url!r}.")
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")) or "slipway",
        "HOST": query.get("host") or parts.hostname or "",
        "PORT": query.get("port") or str(parts.port or ""),
        "USER": unquote(parts.username or "slipway"),
        "PASSWORD": unquote(parts.password or ""),
        # Pooled connections are never kept open by Django itself (psycopg pool refuses it).
        "CONN_MAX_AGE": 0,
        "OPTIONS": {
            "pool": {
                "min_size": env_int("DB_POOL_MIN", default=1),
                "max_size": env_int("DB_POOL_MAX", default=8),
                "timeout": 10,
            },
            **({"sslmode": query["sslmode"]} if "sslmode" in query else {}),
        },
    }
