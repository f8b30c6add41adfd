"""The gallery shows every component, and every component is well formed."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

from django.template.loader import render_to_string

from tests.unit.portal.gallery import rendered

COMPONENTS = Path(__file__).resolve().parents[3] / "templates" / "components"
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


class Balance(HTMLParser):
    """Collects what is opened and closed in the wrong order, and every id."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]
        if tag == "form" and "form" in self.open:
            self.wrong.append(f"a form inside a form at {self.getpos()}")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.ids += [value for name, value in attrs if name == "id"]

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"{tag} at {self.getpos()}")


def test_the_gallery_is_well_formed_with_unique_ids():
    balance = Balance()
    balance.feed(rendered())
    assert balance.wrong == []
    assert balance.open == []
    assert sorted(balance.ids) == sorted(set(balance.ids))


def test_the_gallery_shows_every_component():
    gallery = (COMPONENTS / "gallery.html").read_text()
    everything = "".join(path.read_text() for path in COMPONENTS.glob("*.html"))
    base = (COMPONENTS.parent / "base.html").read_text()
    drawn_by_tags = {"field.html", "chart.html", "gallery.html", "form.html", "problem.html"}
    for path in COMPONENTS.glob("*.html"):
        if path.name not in drawn_by_tags:
            assert f"components/{path.name}" in gallery + everything + base, path.name


def test_every_component_is_in_the_readme_and_says_what_it_needs():
    readme = (COMPONENTS / "README.md").read_text()
    frame_parts = {
        "mark",
        "sandbox",
        "navigation",
        "topbar",
        "messages",
        "problem",
        "field",
        "chart",
    }
    for path in COMPONENTS.glob("*.html"):
        assert path.read_text().startswith("{# "), path.name
        if path.stem not in frame_parts:
            assert path.name in readme, path.name


def test_a_hostile_name_is_text_everywhere():
    nasty = '"><script>alert(1)</script>'
    rows = [{"label": nasty, "usd": 1, "url": "#", "hint": nasty}]
    html = rendered(rows=rows, steps=[{"label": nasty, "state": nasty, "detail": nasty}])
    assert nasty not in html
    assert "&lt;script&gt;alert(1)" in html


def test_a_page_without_anybody_signed_in_has_no_navigation():
    html = rendered(frame=SimpleNamespace(actor=None, sandbox=True, navigation=[]))
    assert 'id="navigation"' not in html
    assert "Sandbox" in html
    assert "Chatbot responses</h1>" in html


def test_a_page_shows_only_places_that_exist():
    only_home = SimpleNamespace(label="Home", url="/", icon="home", is_active=True)
    html = rendered(
        frame=SimpleNamespace(actor=SimpleNamespace(name="Ada"), navigation=[only_home])
    )
    side = re.search(r'<nav id="navigation".*?</nav>', html, re.S)[0]
    assert re.findall(r"<span>(\w+)</span></a></li>", side) == ["Home"]
    assert 'aria-current="page"' in side


def test_error_pages_need_nothing_but_themselves():
    for status in (400, 403, 404, 409, 429, 500):
        html = render_to_string(f"{status}.html")
        assert f'<p class="problem-status">{status}</p>' in html
        assert "Go home" in html


def test_error_pages_say_the_words_they_are_given():
    assert "Not this one." in render_to_string("404.html", {"words": "Not this one."})


def test_a_field_names_its_hint_and_its_error():
    html = rendered()
    assert 'aria-describedby="id_requests_helptext id_requests_error"' in html
    assert 'id="id_requests_error"' in html
    assert 'aria-invalid="true"' in html
    assert '<a href="#id_requests">' in html


def test_a_sorted_column_says_its_order_and_links_to_the_other_one():
    html = rendered()
    assert 'aria-sort="descending"><a class="sort" href="?sort=usd"' in html
    assert 'aria-sort="none"><a class="sort" href="?sort=tier"' in html
