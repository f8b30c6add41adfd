"""`python -m sandbox`: start the pretend AWS."""

import argparse
import ipaddress
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from sandbox import admin, runtime, server, state, store

_JOIN_SECONDS = 1.0


def main() -> int:
    """Serve until SIGTERM or SIGINT, then save and return 0; 1 when the folder is in use."""
    arguments = _arguments()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        with store.folder_lock(arguments.state):
            return _run(arguments)
    except BlockingIOError:
        print(f"another sandbox uses {arguments.state}", file=sys.stderr)  # noqa: T201
        return 1
    except ValueError as unreadable:
        print(unreadable, file=sys.stderr)  # noqa: T201
        return 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--state", type=Path, required=True, help="folder that survives restarts")
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--public-url", default=None, help="how callers reach this server")
    parser.add_argument(
        "--control-from",
        type=ipaddress.ip_network,
        action="append",
        default=[],
        metavar="NETWORK",
        help="lets this network use /sandbox/ too; without it only this machine may",
    )
    return parser.parse_args()


def _run(arguments: argparse.Namespace) -> int:
    listening = server.serve(host=arguments.host, port=arguments.port)
    url = arguments.public_url or f"http://{arguments.host}:{listening.server_port}"
    keeper = store.Store(arguments.state)
    state.begin(directory=arguments.state, base_url=url.rstrip("/"), on_change=keeper.touch)
    for network in arguments.control_from:
        admin.trust(network)
    server.install()
    keeper.load()
    if arguments.seed is not None:
        state.change_faults({"seed": arguments.seed})
    keeper.start()
    wait_for_the_end = _on_signal()
    thread = threading.Thread(target=listening.serve_forever, name="http", daemon=True)
    thread.start()
    print(f"sandbox ready on {url}", flush=True)  # noqa: T201
    wait_for_the_end()
    listening.shutdown()
    thread.join(_JOIN_SECONDS)
    runtime.stop()
    keeper.stop()
    return 0


def _on_signal() -> Callable[[], None]:
    """Return what waits for SIGTERM or SIGINT.

    A pipe and no Event: a signal that comes while another is handled would wait for the Event's
    lock, which the interrupted handler holds.
    """
    listening, told = os.pipe()

    def end(number: int, frame: FrameType | None) -> None:
        os.write(told, b"x")

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)

    def wait() -> None:
        os.read(listening, 1)

    return wait


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)
