"""Bring the product's price list into the books."""

from __future__ import annotations

from django.core.management.base import BaseCommand
from django.utils import timezone

from billing.usecases import prices


class Command(BaseCommand):
    help = "Load billing/data/prices; what is there already is left alone."

    def handle(self, *args: object, **options: object) -> None:
        added = prices.load_list(now=timezone.now())
        self.stdout.write(f"{added} new prices.")
