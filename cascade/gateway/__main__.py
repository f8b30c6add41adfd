"""`python -m cascade.gateway`: one process, or several that share a port."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import uvicorn

APPLICATION = "cascade.gateway.process:application"
PROTOCOL = "cascade.gateway.corked:Protocol"
# Longer than the 60 s after which a load balancer of AWS closes a connection nobody uses: were this
# side first, it could close one that is just used again.
KEEP_ALIVE_S = 75
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"plain": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"level": "WARNING", "handlers": ["plain"]},
}


def main() -> None:
    """Serve until SIGTERM or SIGINT; see cascade.gateway.process for how it ends."""
    options = _options()
    uvicorn.run(
        APPLICATION,
        host=options.host,
        port=options.port,
        workers=options.processes,
        loop="uvloop",
        http=PROTOCOL,
        ws="none",
        lifespan="on",
        log_config=LOGGING,
        log_level="warning",
        access_log=False,
        server_header=False,
        # Nothing here asks who called, or over which scheme.
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        ssl_certfile=options.certificate,
        ssl_keyfile=options.certificate,
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m cascade.gateway", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8200)
    parser.add_argument("--processes", type=int, default=1, help="one a core")
    parser.add_argument("--certificate", type=Path, help="key and certificate in one PEM file")
    return parser.parse_args()


if __name__ == "__main__":
    main()
