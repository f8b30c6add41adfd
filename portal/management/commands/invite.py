"""`manage.py invite`: the first person of an installation, or anybody who lost their way in."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from portal.access import EVERYWHERE, SYSTEM, Role
from portal.accounts import invitation_url
from portal.errors import Refusal
from portal.usecases import people, teams


class Command(BaseCommand):
    """Open an account with a role that holds everywhere, and print where to choose a password."""

    help = "Invite a person who holds a role everywhere; prints the link that opens the account."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="the address to sign in with")
        parser.add_argument("name", help="what the person is called")
        parser.add_argument(
            "--role",
            choices=[role.value for role in EVERYWHERE],
            default=Role.PLATFORM.value,
            help="the role (default: platform)",
        )

    def handle(self, *args: Any, email: str, name: str, role: str, **options: Any) -> None:
        now = timezone.now()
        try:
            user = people.invite(actor=SYSTEM, email=email, name=name, now=now)
            teams.grant(actor=SYSTEM, email=user.email, role=role, now=now)
        except Refusal as refusal:
            raise CommandError(" ".join(refusal.fields.values()) or str(refusal)) from refusal
        self.stdout.write(invitation_url(user))
