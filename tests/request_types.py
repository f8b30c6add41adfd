"""A mypy plugin: what our middleware puts on a request (`actor`, `htmx`) is known to the types."""

from __future__ import annotations

from collections.abc import Callable

from mypy.nodes import MDEF, SymbolTableNode, Var
from mypy.plugin import ClassDefContext, Plugin
from mypy.types import AnyType, TypeOfAny

REQUEST = "django.http.request.HttpRequest"
ATTRIBUTES = {"actor": "portal.access.Actor", "htmx": "django_htmx.middleware.HtmxDetails"}


class RequestAttributes(Plugin):
    """Adds the attributes to Django's request class, as its stubs cannot know them."""

    def get_customize_class_mro_hook(
        self, fullname: str
    ) -> Callable[[ClassDefContext], None] | None:
        return _add_attributes if fullname == REQUEST else None


def _add_attributes(context: ClassDefContext) -> None:
    info = context.cls.info
    for name, type_name in ATTRIBUTES.items():
        known = context.api.named_type_or_none(type_name)
        variable = Var(name, known or AnyType(TypeOfAny.explicit))
        variable.info = info
        variable._fullname = f"{info.fullname}.{name}"
        info.names[name] = SymbolTableNode(MDEF, variable, plugin_generated=True)


def plugin(version: str) -> type[Plugin]:
    """Return the plugin; mypy calls this."""
    return RequestAttributes
