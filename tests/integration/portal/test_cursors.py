"""Cursor pages: every row once, whatever is added meanwhile and however many rows are alike."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta

import pytest
from django.db.models import QuerySet

from portal.models import Feature, Team
from portal.rest.cursors import BrokenCursor, Cut, cut

NEWEST = ("-created_at", "-pk")


@pytest.fixture
def many(chat_team: Team, moderation_team: Team, noon: datetime) -> QuerySet[Feature]:
    """Twenty-three features, of which many were registered at the same moment."""
    Feature.objects.bulk_create(
        Feature(
            team=(chat_team, moderation_team)[number % 2],
            slug=f"feature-{number}",
            name=f"Feature {number % 5}",
            created_at=noon + timedelta(minutes=number // 20),
            archived_at=noon + timedelta(minutes=number // 4) if number % 3 else None,
        )
        for number in range(23)
    )
    return Feature.objects.select_related("team").order_by()


def _walk(rows: QuerySet[Feature], order: tuple[str, ...], limit: int) -> list[Cut]:
    pages = [cut(rows, order=order, cursor="", limit=limit)]
    while pages[-1].next:
        pages.append(cut(rows, order=order, cursor=pages[-1].next, limit=limit))
        assert len(pages) < 30
    return pages


@pytest.mark.parametrize("limit", [1, 5, 22, 23, 24])
@pytest.mark.parametrize(
    "order",
    [
        NEWEST,
        ("name", "pk"),
        ("-name", "pk"),
        ("team__name", "name", "-pk"),
        ("-team__name", "pk"),
        ("archived_at", "pk"),
        ("-archived_at", "-pk"),
        ("name", "-archived_at", "pk"),
    ],
)
def test_walking_there_and_back_shows_every_row_once_in_order(
    order: tuple[str, ...], limit: int, many: QuerySet[Feature]
) -> None:
    pages = _walk(many, order, limit)
    assert [row for page in pages for row in page.rows] == list(many.order_by(*order))
    assert pages[0].previous == ""
    back = [pages[-1]]
    while back[-1].previous:
        back.append(cut(many, order=order, cursor=back[-1].previous, limit=limit))
    assert [page.rows for page in reversed(back)] == [page.rows for page in pages]


def test_a_row_added_in_front_moves_nothing(many: QuerySet[Feature], noon: datetime) -> None:
    first = cut(many, order=NEWEST, cursor="", limit=10)
    expected = list(many.order_by(*NEWEST)[10:20])
    Feature.objects.create(
        team=expected[0].team, slug="newer", name="N", created_at=noon + timedelta(days=1)
    )
    assert list(cut(many, order=NEWEST, cursor=first.next, limit=10).rows) == expected


def test_more_rows_of_one_moment_than_any_offset_allows(chat_team: Team, noon: datetime) -> None:
    Feature.objects.bulk_create(
        Feature(team=chat_team, slug=f"feature-{number}", name="F", created_at=noon)
        for number in range(2300)
    )
    pages = _walk(Feature.objects.all(), NEWEST, 200)
    assert len({row.pk for page in pages for row in page.rows}) == 2300


def _cursor(body: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip("=")


ORDER = ",".join(NEWEST)


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "äöü",
        "=" * 9,
        "a" * 5000,
        _cursor(1),
        _cursor([ORDER, 0, 1]),
        _cursor([ORDER, 0, []]),
        _cursor([ORDER, 0, ["abc", 1]]),
        _cursor([ORDER, 0, [1, 1]]),
        _cursor([ORDER, 0, [True, {}]]),
        _cursor([ORDER, 0, ["2026-11-20T12:00:00Z", "abc"]]),
        _cursor([ORDER, 0, ["2026-11-20T12:00:00Z", "\u0000"]]),
        _cursor([ORDER, 7, ["2026-11-20T12:00:00Z", 1]]),
        _cursor(["name,pk", 0, ["Feature", 1]]),
        _cursor([[], 0, ["2026-11-20T12:00:00Z", 1]]),
    ],
)
def test_a_cursor_of_another_list_or_of_no_list_is_broken(
    cursor: str, many: QuerySet[Feature]
) -> None:
    with pytest.raises(BrokenCursor):
        cut(many, order=NEWEST, cursor=cursor, limit=5)


def test_a_place_beyond_all_rows_is_an_empty_page(many: QuerySet[Feature]) -> None:
    cursor = _cursor([ORDER, 0, ["0001-01-01T00:00:00+00:00", 10**30]])
    assert cut(many, order=NEWEST, cursor=cursor, limit=5) == Cut((), "", "")
