"""`manage.py openapi`: the API's document, as it is committed in docs/openapi.yaml."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from drf_spectacular.renderers import OpenApiYamlRenderer

from portal.rest import reference


class Command(BaseCommand):
    """Print the document, or write it where it is committed."""

    help = "Print the OpenAPI 3.1 document; --write updates docs/openapi.yaml."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--write", action="store_true", help="update docs/openapi.yaml")

    def handle(self, *args: Any, **options: Any) -> None:
        text = OpenApiYamlRenderer().render(reference.document(), renderer_context={}).decode()
        if options["write"]:
            (settings.BASE_DIR / "docs" / "openapi.yaml").write_text(text)
        else:
            self.stdout.write(text, ending="")
