"""`manage.py up`: every server Slipway needs, in one terminal."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.core.management import get_commands
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.embedded import home as homes
from portal.embedded import services
from portal.embedded.children import Unusable
from portal.embedded.supervisor import Supervisor
from portal.embedded.terminal import Terminal


class Command(BaseCommand):
    """Start, watch and stop the servers of one data folder."""

    help = "Start everything on this machine: databases, sandbox, web, worker. Ctrl-C stops it."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, help="web port (default: 8000 or the next free)")
        parser.add_argument("--host", default="127.0.0.1", help="address the web server binds")
        parser.add_argument(
            "--seed",
            default="content-ai",
            help="example portfolio, or none",
        )
        parser.add_argument(
            "--real-aws",
            action="store_true",
            help="use the AWS account configured here",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        os.umask(0o077)
        home = homes.find(environ=os.environ)
        try:
            homes.make(home)
            with homes.lock(home) as lock:
                code = _run(home, lock=lock, options=options)
        except (homes.Refused, Unusable) as error:
            raise CommandError(str(error)) from error
        sys.exit(code)


def _run(home: homes.Home, *, lock: Any, options: dict[str, Any]) -> int:
    terminal = Terminal(logs=home.logs)
    seed = options["seed"] if options["seed"] != "none" and "seed" in get_commands() else ""
    choices = services.Choices(
        host=options["host"],
        ports=homes.ports(home, wanted_web=options["port"]),
        seed=seed,
        is_real_aws=options["real_aws"],
    )
    plan = services.plan(home=home, choices=choices, environ=os.environ)
    homes.keep_environment(home, plan.shared)
    url = plan.shared["PUBLIC_URL"]
    terminal.say(f"starting; data and logs in {home.folder}")

    def announce(seconds: float) -> None:
        homes.write_holder(lock, f"process {os.getpid()}, at {url}/")
        terminal.say(f"all ready in {seconds:.1f} s")
        terminal.box(_welcome(home, url=url, plan=plan))

    supervisor = Supervisor(services=plan.services, environment=plan.environment, terminal=terminal)
    return supervisor.run(folder=homes.ROOT, on_ready=announce)


def _welcome(home: homes.Home, *, url: str, plan: services.Plan) -> list[str]:
    cloud = "the sandbox (nothing costs anything)"
    if "AWS_ENDPOINT_URL" not in plan.shared:
        cloud = "AWS, with real costs"
    lines = [f"Slipway is ready:  {url}/", f"Deploys to:        {cloud}"]
    if "GATEWAY_URL" in plan.shared:
        lines.append(f"Cascades answer:   {plan.shared['GATEWAY_URL']}/v1")
    people = services.accounts(home)
    if people:
        lines += ["", "Sign in as"]
    for person in people:
        who = " ".join(word for word in (person.get("role"), person.get("team")) if word)
        lines.append(f"  {person['email']:<36} {person['password']:<24} {who}")
    return [*lines, "", "Ctrl-C stops everything; the data stays."]
