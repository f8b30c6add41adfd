"""The environment the tests run in: a folder of their own, no server but those a test asks for."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

HOME = Path(tempfile.mkdtemp(prefix=f"slw-{os.getpid()}-", dir="/tmp"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
UNREACHABLE = "http://127.0.0.1:9"
OWN_SERVER = not os.environ.get("DATABASE_URL")
os.environ.update(
    {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "SECRET_KEY": "only-for-tests-and-never-anywhere-else-0123456789",
        "SLIPWAY_HOME": str(HOME),
        "BROKER_URL": "memory://",
        "CACHE_URL": "",
        "PUBLIC_URL": "http://127.0.0.1:8000",
        "DEBUG": "False",
        "AWS_ENDPOINT_URL": UNREACHABLE,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_EC2_METADATA_DISABLED": "true",
        # Playwright's loop runs in the main thread; Django would refuse the ORM there.
        "DJANGO_ALLOW_ASYNC_UNSAFE": "true",
    }
)
if OWN_SERVER:
    os.environ["DATABASE_URL"] = f"postgresql://slipway@/slipway?host={HOME}/sockets&port=5432"
