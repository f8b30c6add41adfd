"""Features: who registers them, under which names, and who sees them."""

from __future__ import annotations

from datetime import datetime

import pytest

from portal import queries
from portal.access import Actor
from portal.errors import Invalid, NotAllowed, NotFound
from portal.models import AuditEvent, Feature, Team
from portal.usecases import features


def test_a_member_registers_a_feature_and_the_audit_knows(
    actor_of_member: Actor, chat_team: Team, noon: datetime
) -> None:
    feature = features.register(
        actor=actor_of_member, team=chat_team, slug="replies", name=" Replies ", now=noon
    )
    assert (feature.name, feature.cost_centre, feature.created_at) == ("Replies", "CC-chat", noon)
    event = AuditEvent.objects.get(subject="feature:replies")
    assert (event.verb, event.team, event.at) == ("register", chat_team, noon)
    assert event.user_id == actor_of_member.user_id


def test_finance_reads_and_does_not_register(
    actor_of_controller: Actor, chat_team: Team, noon: datetime
) -> None:
    with pytest.raises(NotAllowed):
        features.register(
            actor=actor_of_controller, team=chat_team, slug="replies", name="Replies", now=noon
        )
    assert not Feature.objects.exists()


def test_for_a_stranger_the_team_and_the_feature_do_not_exist(
    actor_of_stranger: Actor, chat_team: Team, feature: Feature, noon: datetime
) -> None:
    with pytest.raises(NotFound):
        queries.feature_for(actor=actor_of_stranger, slug=feature.slug)
    with pytest.raises(NotFound):
        queries.team_for(actor=actor_of_stranger, slug=chat_team.slug)
    with pytest.raises(NotFound):
        features.register(
            actor=actor_of_stranger, team=chat_team, slug="mine", name="Mine", now=noon
        )
    with pytest.raises(NotFound):
        features.change(actor=actor_of_stranger, feature=feature, name="Mine", now=noon)
    assert not queries.features(actor=actor_of_stranger).exists()


@pytest.mark.parametrize(
    "slug",
    ["", "A", "1a", "a--b", "a-", "-a", "a b", "a_b", "a" * 29, "ä", "a\n", "../x", "a\u0000"],
)
def test_a_short_name_that_could_not_name_anything_in_aws_is_refused(
    slug: str, actor_of_lead: Actor, chat_team: Team, noon: datetime
) -> None:
    with pytest.raises(Invalid) as refused:
        features.register(actor=actor_of_lead, team=chat_team, slug=slug, name="X", now=noon)
    assert "slug" in refused.value.fields


@pytest.mark.parametrize(
    "field, value",
    [
        ("name", "   "),
        ("name", "x" * 101),
        ("name", "x\u0000"),
        ("name", "x\u001b[0m"),
        ("description", "x" * 2001),
        ("description", "x\u0000"),
        ("cost_centre", "x" * 41),
        ("cost_centre", "x\u0000"),
        ("data_class", "secret"),
    ],
)
def test_what_cannot_be_kept_is_refused_beside_its_field(
    field: str, value: str, actor_of_lead: Actor, feature: Feature, noon: datetime
) -> None:
    with pytest.raises(Invalid) as changed:
        features.change(actor=actor_of_lead, feature=feature, now=noon, **{field: value})
    asked = {"slug": "other", "name": "Other", field: value}
    with pytest.raises(Invalid) as registered:
        features.register(actor=actor_of_lead, team=feature.team, now=noon, **asked)
    assert set(changed.value.fields) == set(registered.value.fields) == {field}
    feature.refresh_from_db()
    assert feature.name == "Chatbot"


def test_a_taken_name_is_refused_without_telling_whose_it_is(
    actor_of_stranger: Actor, moderation_team: Team, feature: Feature, noon: datetime
) -> None:
    with pytest.raises(features.NameTaken) as refused:
        features.register(
            actor=actor_of_stranger, team=moderation_team, slug=feature.slug, name="X", now=noon
        )
    assert "Chat" not in str(refused.value)
    assert refused.value.status == 409


def test_a_change_that_changes_nothing_leaves_no_trace(
    actor_of_lead: Actor, feature: Feature, noon: datetime
) -> None:
    features.change(actor=actor_of_lead, feature=feature, name="Chatbot", now=noon)
    assert not AuditEvent.objects.exists()


def test_search_wants_every_word_and_reads_wildcards_as_letters(
    actor_of_lead: Actor, feature: Feature, noon: datetime
) -> None:
    found = {
        words: queries.features(actor=actor_of_lead, search=words).count()
        for words in ("chat", "CHAT bot", "chat nothing", "%", "_", "")
    }
    assert found == {"chat": 1, "CHAT bot": 1, "chat nothing": 0, "%": 0, "_": 0, "": 1}
