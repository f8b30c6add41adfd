"""Who gets what at every address: found by walking the addresses, so that a new one cannot hide."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from portal.access import Permission, Scope
from portal.models import Feature, User
from portal.queries import actor_of_user
from tests.functional.portal.world import PLANNED, WORKLOAD, Address, World, addresses, build

SignIn = Callable[[User], Client]
Connect = Callable[..., APIClient]
# Read by anybody.
OPEN = {"api-schema", "health-live", "health-ready", "favicon.ico"}
# What is the same for all who are signed in, or shows each what they may see.
FOR_EVERYBODY_SIGNED_IN = {
    "portal:home", "portal:features", "portal:feature_new", "portal:activity", "portal:search",
    "portal:settings", "portal:teams", "portal:members", "portal:account", "portal:keys",
    "billing:spend", "billing:by", "billing:ledger", "billing:refused", "billing:prices",
    "billing:budgets", "billing:budget_line", "billing:home_card",
    "deployments:fleet", "deployments:home_card", "deployments:portfolio",
    "api-portfolio-plans", "deployments:capacity", "deployments:moves",
    "deployments:moves_home_card", "deployments:probes", "deployments:probe_new",
    "api-docs", "api-me", "api-teams", "api-roles", "api-features", "api-keys", "api-activity",
    "api-budgets", "api-budget-position", "api-reservations", "api-prices", "api-usage",
    "api-usage-refused", "api-watermarks", "api-charges", "api-spend",
    "api-workloads", "api-recommendations", "api-catalog-models", "api-deployments",
    "api-traffic-runs", "api-capacity-plans", "api-load-points", "api-moves", "api-probes",
    "cascade:cascades", "api-cascades", "api-replays", "api-calibrations", "api-trainings",
    "api-alerts",
}  # fmt: skip
# What belongs to the chat team: strangers cannot tell it from what does not exist.
OF_THE_TEAM = {
    "portal:feature", "portal:feature_change", "portal:feature_activity", "portal:team",
    "portal:set_member", "portal:remove_member",
    "billing:feature", "billing:feature_card",
    "deployments:workload", "deployments:workload_preview", "deployments:workload_trace",
    "deployments:options",
    "deployments:option", "deployments:advice_card", "deployments:launch",
    "deployments:options_compare", "deployments:options_print", "deployments:options_turns",
    "deployments:options_what_if",
    "deployments:of_feature", "deployments:feature_card", "deployments:detail",
    "deployments:status", "deployments:resize", "deployments:retire", "deployments:retry",
    "deployments:traffic", "deployments:traffic_play", "deployments:traffic_stop",
    "api-team", "api-members", "api-member-remove", "api-feature", "api-feature-workloads",
    "api-feature-workload-trace", "api-recommendation", "api-feature-recommendations",
    "api-recommendation-sensitivity", "api-what-if",
    "api-deployment",
    "api-deployment-resize", "api-deployment-retire", "api-deployment-retry",
    "api-deployment-resources", "api-deployment-events", "api-deployment-snippet",
    "api-traffic-run", "api-traffic-run-stop",
    "deployments:capacity_plan", "deployments:capacity_again", "deployments:capacity_load_point",
    "deployments:capacity_endpoint", "deployments:portfolio_plan", "api-portfolio-plan",
    "api-capacity-plan", "api-capacity-plan-again",
    "api-capacity-plan-endpoint",
    "deployments:moves_feature_card", "deployments:move_dismiss", "deployments:probe",
    "deployments:probe_stop", "deployments:probe_schedule", "deployments:probe_unschedule",
    "api-move", "api-move-dismiss", "api-probe", "api-probe-stop", "api-probe-schedule",
    "cascade:of_feature", "cascade:detail", "cascade:figures", "cascade:limit", "cascade:retire",
    "cascade:close_alert", "cascade:policy", "cascade:edit", "cascade:drop", "cascade:publish",
    "cascade:stop_canary", "cascade:version", "cascade:start_canary", "cascade:go_live",
    "cascade:roll_back", "cascade:replays", "cascade:replay", "cascade:upload",
    "cascade:drop_upload", "cascade:calibrations", "cascade:calibration", "cascade:apply",
    "cascade:trainings",
    "cascade:trials", "cascade:trial", "cascade:review", "cascade:keys", "cascade:revoke_key",
    "api-cascade", "api-cascade-retire", "api-cascade-limit", "api-cascade-live",
    "api-cascade-draft", "api-cascade-policies", "api-cascade-policy", "api-cascade-rollouts",
    "api-cascade-keys", "api-cascade-key-revoke", "api-cascade-trials", "api-cascade-review",
    "api-cascade-trials-export",
    "api-cascade-uploads", "api-cascade-upload", "api-trial", "api-trial-verdicts",
    "api-replay", "api-calibration", "api-calibration-apply", "api-training", "api-alert-close",
}  # fmt: skip
# What a person does for themselves, or to the whole organisation: posted only.
ACTIONS = {
    "portal:dismiss_tour", "portal:revoke_key", "portal:invite", "portal:grant", "portal:withdraw",
    "api-key-revoke", "api-role-withdraw", "api-invitations", "api-plans",
    "api-probe-plans",
}  # fmt: skip
OPENS = (200, 204, 286, 302, 405)
# Nothing is built in this world, so there is nothing to call yet.
NOT_YET = {"api-deployment-snippet": 409}
NOTHING = "api/v1/<path:rest>"


def _query(name: str, world: World) -> str:
    asked = f"?recommendation={world.recommendation.pk}&option={world.recommendation.launch_pick}"
    return {
        "deployments:launch": asked,
        "deployments:option": f"?id={world.recommendation.launch_pick}&recommendation="
        f"{world.recommendation.pk}&option={world.recommendation.launch_pick}",
    }.get(name, "")


@pytest.fixture
def world(feature: Feature, lead: User) -> World:
    return build(feature=feature, lead=lead)


@pytest.fixture
def people(
    lead: User, member: User, platform_engineer: User, controller: User, stranger: User
) -> dict[str, User]:
    return {
        "lead": lead,
        "member": member,
        "platform": platform_engineer,
        "finance": controller,
        "stranger": stranger,
    }


def test_every_address_stands_in_one_list() -> None:
    lists = [OPEN, FOR_EVERYBODY_SIGNED_IN, OF_THE_TEAM, ACTIONS, {NOTHING}]
    known = set().union(*lists)
    found = {address.name for address in addresses()}
    assert found - known == set(), "Say in this file who may open these."
    assert known - found == set()
    assert sum(len(names) for names in lists) == len(known)


def _get(client: Client, world: World, address: Address) -> int:
    return client.get(world.path(address) + _query(address.name, world)).status_code


def test_who_is_not_signed_in_gets_nothing_but_the_sign_in(world: World, client: Client) -> None:
    wrong = {}
    for address in addresses():
        path = world.path(address)
        for method in ("get", "post", "put", "delete"):
            reply = getattr(client, method)(path)
            is_rest = path.startswith("/api/v1/") and address.name != NOTHING
            refused = reply.status_code == 401 if is_rest else _is_sent_to_sign_in(reply)
            if not refused and address.name not in OPEN | {NOTHING}:
                wrong[f"{method} {path}"] = reply.status_code
    assert wrong == {}


def _is_sent_to_sign_in(reply: Any) -> bool:
    return reply.status_code == 302 and reply.headers["Location"].startswith("/accounts/login/")


def test_open_addresses_answer_anybody(client: Client) -> None:
    paths = {address.name: f"/{address.route}" for address in addresses() if address.name in OPEN}
    paths.pop("health-ready")  # 503 here: the tests have no broker that stays
    for path in paths.values():
        assert client.get(path).status_code in (200, 302)


def test_a_stranger_gets_404_everywhere(
    world: World, people: dict[str, User], signed_in: SignIn
) -> None:
    browser = signed_in(people["stranger"])
    wrong = {}
    for address in addresses():
        if address.name not in OF_THE_TEAM:
            continue
        for method in ("get", "post", "patch", "put", "delete"):
            path = world.path(address) + _query(address.name, world)
            reply = getattr(browser, method)(path, content_type="application/json")
            if reply.status_code not in (404, 405):
                wrong[f"{method} {path}"] = reply.status_code
        methods = [browser.get(world.path(address)), browser.post(world.path(address))]
        if all(reply.status_code == 405 for reply in methods):
            wrong[world.path(address)] = 405
    assert wrong == {}


@pytest.mark.parametrize("role", ["lead", "member", "platform", "finance"])
def test_whoever_may_see_it_opens_every_page(
    role: str, world: World, people: dict[str, User], signed_in: SignIn
) -> None:
    browser = signed_in(people[role])
    browser.raise_request_exception = False
    got = {
        address.name: _get(browser, world, address)
        for address in addresses()
        if address.name not in OPEN | {NOTHING}
    }
    # 286 ends the polling of a page about something at rest.
    wrong = {name: status for name, status in got.items() if status not in OPENS}
    assert wrong == NOT_YET
    only_posted = {name for name, status in got.items() if status == 405}
    assert only_posted >= ACTIONS


def test_a_stranger_sees_lists_without_anything_of_the_team(
    world: World, people: dict[str, User], signed_in: SignIn
) -> None:
    browser = signed_in(people["stranger"])
    browser.raise_request_exception = False
    marks = (b"/chatbot", b"chatbot-", b'"chatbot', b"CC-chat", b"lead@content-ai", b">Chatbot<")
    leaks = {}
    for address in addresses():
        if address.name in FOR_EVERYBODY_SIGNED_IN - {"api-docs"}:
            for query in ("", "?format=csv"):
                reply = browser.get(world.path(address) + query)
                text = b"".join(reply) if reply.streaming else reply.content
                if reply.status_code >= 500 or any(mark in text for mark in marks):
                    leaks[world.path(address) + query] = reply.status_code
    assert leaks == {}


def test_a_key_without_the_scope_read_reads_nothing(world: World, lead: User, api: Connect) -> None:
    writer = api(lead, scopes=tuple(scope for scope in Scope if scope is not Scope.READ))
    opened = {}
    for address in addresses():
        path = world.path(address)
        if not path.startswith("/api/v1/") or address.name == NOTHING:
            continue
        reply = writer.get(path)
        is_refused = reply.status_code == 403 and b"scope read" in reply.content
        if not is_refused and reply.status_code != 405:
            opened[path] = reply.status_code
    assert opened == {}


# What each POST needs, and a body with which it goes through. The permission says who may:
# None means whoever is signed in may do it for themselves.


def _posts(world: World, people: dict[str, User]) -> dict[str, tuple[Permission | None, dict]]:
    email = people["member"].email
    launch = {
        "recommendation": world.recommendation.pk,
        "option": world.recommendation.launch_pick,
        "environment": "staging",
    }
    key = {"name": "k", "scopes": ["read"]}
    tomorrow = (timezone.now() + timedelta(days=1)).isoformat()
    quote = {"sku": "bedrock-pt:x:none:unit-second", "usd": "1", "source": "s",
             "as_of": "2026-11-01"}  # fmt: skip
    words = {"name": "N", "data_class": "internal"}
    new = {**words, "slug": "new-one", "team": "chat"}
    grant = {"email": email, "role": "finance"}
    invite = {"email": "new@content-ai.example", "name": "New"}
    play = {"load_minutes": "1", "speed": "60", "max_requests": "10"}
    budget = {"team": "*", "monthly_usd": "300000"}
    plan = {**PLANNED, "team": "chat"}
    point = {"concurrency": "8", "input_tokens": "600", "output_tokens": "250", "tpot_ms": "9"}
    of_plan = {**point, "configuration": world.plan.body["finalists"][0]["key"]}
    of_team = {**point, "team": "chat", "architecture": "Llama-3-8B", "accelerator": "H100-80",
               "precision": "fp8", "engine": "vllm"}  # fmt: skip
    way = {"model": "amazon.nova-micro-v1:0", "route": "us"}
    probe = {
        "feature": "chatbot",
        "requests": "5",
        "input_tokens": "100",
        "output_tokens": "10",
    }
    looked = {"over": str(world.upload.pk), "days": "7", "policy": "0"}
    return {
        "portal:dismiss_tour": (None, {}),
        "portal:feature_new": (Permission.REGISTER, new),
        "portal:feature_change": (Permission.REGISTER, words),
        "portal:teams": (Permission.MANAGE_ORGANISATION, {"slug": "t-new", "name": "T"}),
        "portal:set_member": (Permission.MANAGE_TEAM, {"email": email, "role": "lead"}),
        "portal:remove_member": (Permission.MANAGE_TEAM, {"email": email}),
        "portal:invite": (Permission.MANAGE_ORGANISATION, invite),
        "portal:grant": (Permission.MANAGE_ORGANISATION, grant),
        "portal:account": (None, {"name": "New Name"}),
        "portal:keys": (None, {**key, "days": "1"}),
        "billing:budgets": (Permission.SET_BUDGET, budget),
        "billing:prices": (Permission.SET_PRICE, quote),
        "deployments:workload": (Permission.ADVISE, WORKLOAD | REST_OF_THE_FORM),
        "deployments:options": (Permission.ADVISE, {}),
        "deployments:capacity": (Permission.ADVISE, plan | REST_OF_THE_PLAN),
        "deployments:capacity_again": (Permission.ADVISE, {}),
        "deployments:portfolio": (
            Permission.PLAN_PORTFOLIO,
            {"team": "chat", "objective": "cost", "budget_usd": "300000"},
        ),
        "api-portfolio-plans": (Permission.PLAN_PORTFOLIO, {"team": "chat"}),
        "deployments:capacity_load_point": (Permission.ADVISE, of_plan),
        "api-capacity-plans": (Permission.ADVISE, plan),
        "api-capacity-plan-again": (Permission.ADVISE, {}),
        "api-load-points": (Permission.ADVISE, of_team),
        "deployments:launch": (Permission.LAUNCH, launch),
        "deployments:retire": (Permission.OPERATE, {"confirm": world.deployment.slug}),
        "deployments:traffic_play": (Permission.PLAY_TRAFFIC, play),
        "deployments:traffic_stop": (Permission.PLAY_TRAFFIC, {}),
        "api-teams": (Permission.MANAGE_ORGANISATION, {"slug": "t-new", "name": "T"}),
        "api-members": (Permission.MANAGE_TEAM, {"email": email, "role": "lead"}),
        "api-member-remove": (Permission.MANAGE_TEAM, {"email": email}),
        "api-roles": (Permission.MANAGE_ORGANISATION, grant),
        "api-invitations": (Permission.MANAGE_ORGANISATION, invite),
        "api-features": (Permission.REGISTER, new),
        "api-keys": (None, {**key, "expires_at": tomorrow}),
        "api-budgets": (Permission.SET_BUDGET, {"team": None, "monthly_usd": "300000"}),
        "api-prices": (Permission.SET_PRICE, quote),
        "api-feature-workloads": (Permission.ADVISE, WORKLOAD),
        "api-feature-recommendations": (Permission.ADVISE, {}),
        "api-plans": (Permission.SEE, {"feature": "chatbot", **launch}),
        "api-what-if": (Permission.SEE, {"mean_rps": "10"}),
        "api-deployments": (Permission.LAUNCH, {"feature": "chatbot", **launch}),
        "api-deployment-retire": (Permission.OPERATE, {}),
        "api-traffic-runs": (Permission.PLAY_TRAFFIC, {"deployment": world.deployment.slug}),
        "api-traffic-run-stop": (Permission.PLAY_TRAFFIC, {}),
        "deployments:move_dismiss": (Permission.LAUNCH, {}),
        "deployments:probe_new": (Permission.LAUNCH, {"way": "amazon.nova-micro-v1:0|us", **probe}),
        "deployments:probe_stop": (Permission.LAUNCH, {}),
        "deployments:probe_schedule": (
            Permission.LAUNCH,
            {**probe, "every_days": "7", "most_usd": "1"},
        ),
        "deployments:probe_unschedule": (Permission.LAUNCH, {}),
        "api-move-dismiss": (Permission.LAUNCH, {}),
        "api-probes": (Permission.LAUNCH, {**probe, **way}),
        "api-probe-plans": (Permission.SEE, {**probe, **way}),
        "api-probe-stop": (Permission.LAUNCH, {}),
        "api-cascades": (
            Permission.EDIT_CASCADE,
            {"feature": "chatbot", "environment": "staging"},
        ),
        "api-cascade-retire": (Permission.PROMOTE_POLICY, {}),
        "api-cascade-policies": (Permission.EDIT_CASCADE, {}),
        "api-cascade-rollouts": (
            Permission.PROMOTE_POLICY,
            {"step": "canary", "policy": 2, "share": 0.1},
        ),
        "api-cascade-keys": (Permission.MANAGE_KEYS, {"name": "k"}),
        "api-cascade-key-revoke": (Permission.MANAGE_KEYS, {}),
        "api-trial-verdicts": (Permission.REVIEW, {"quality": 1}),
        "api-replays": (Permission.EDIT_CASCADE, {"cascade": world.cascade.slug}),
        "api-calibrations": (Permission.EDIT_CASCADE, {"cascade": world.cascade.slug}),
        "api-trainings": (Permission.EDIT_CASCADE, {"cascade": world.cascade.slug}),
        "api-calibration-apply": (Permission.EDIT_CASCADE, {}),
        "api-alert-close": (Permission.EDIT_CASCADE, {}),
        "cascade:cascades": (
            Permission.EDIT_CASCADE,
            {"feature": "chatbot", "environment": "staging"},
        ),
        "cascade:limit": (Permission.LIMIT_CASCADE, {"monthly_usd": "5"}),
        "cascade:retire": (Permission.PROMOTE_POLICY, {}),
        "cascade:close_alert": (Permission.EDIT_CASCADE, {}),
        "cascade:drop": (Permission.EDIT_CASCADE, {}),
        "cascade:publish": (Permission.EDIT_CASCADE, {}),
        "cascade:replays": (Permission.EDIT_CASCADE, looked),
        "cascade:trainings": (Permission.EDIT_CASCADE, {**looked, "kind": "router"}),
        "cascade:calibrations": (
            Permission.EDIT_CASCADE,
            {**looked, "quality": "0.9", "confidence": "0.9"},
        ),
        "cascade:drop_upload": (Permission.EDIT_CASCADE, {}),
        "cascade:apply": (Permission.EDIT_CASCADE, {}),
        "cascade:trial": (Permission.REVIEW, {"stage": "small", "quality": "1"}),
        "cascade:review": (
            Permission.REVIEW,
            {"trial": str(world.trial.uuid), "stage": "small", "quality": "1"},
        ),
        "cascade:keys": (Permission.MANAGE_KEYS, {"name": "k", "days": "30"}),
        "cascade:revoke_key": (Permission.MANAGE_KEYS, {}),
    }


# Depends on more than the role; their own tests show who may.
POSTED_ELSEWHERE = {
    "portal:revoke_key", "portal:withdraw", "api-key-revoke", "api-role-withdraw",
    "deployments:workload_preview", "deployments:workload_trace", "deployments:resize",
    "deployments:retry", "api-feature-workload-trace", "deployments:capacity_endpoint",
    "api-capacity-plan-endpoint",
    "api-deployment-resize", "api-deployment-retry", "api-cascade-uploads",
    "cascade:edit", "cascade:upload", "cascade:stop_canary", "cascade:start_canary",
    "cascade:go_live", "cascade:roll_back",
}  # fmt: skip


def _takes_posts(browser: Client, path: str) -> bool:
    """Ask with a method nobody offers; the answer names those that are."""
    reply = browser.generic("PROPFIND", path)
    assert reply.status_code == 405, f"{path} does not say which methods it takes"
    return "POST" in reply.headers["Allow"]


def test_every_post_is_known(world: World, people: dict[str, User], signed_in: SignIn) -> None:
    browser = signed_in(people["platform"])
    posts = {
        address.name
        for address in addresses()
        if address.name not in {NOTHING, "favicon.ico"}
        and _takes_posts(browser, world.path(address) + _query(address.name, world))
    }
    known = set(_posts(world, people)) | POSTED_ELSEWHERE
    assert posts - known == set(), "Say in this file who may post these, with a body that works."
    assert known - posts == set()


@pytest.mark.parametrize("role", ["lead", "member", "platform", "finance", "stranger"])
def test_a_post_does_it_for_who_may_and_for_nobody_else(
    role: str, world: World, people: dict[str, User], signed_in: SignIn
) -> None:
    browser = signed_in(people[role])
    browser.raise_request_exception = False
    actor = actor_of_user(people[role])
    by_name = {address.name: address for address in addresses()}
    wrong = {}
    for name, (permission, body) in _posts(world, people).items():
        status = _post(browser, world.path(by_name[name]), body)
        if permission is None or actor.may(permission, team_id=world.feature.team_id):
            expected = (200, 201, 202, 204, 302)
        elif role == "stranger":
            expected = (403, 404, 422)
        else:
            expected = (403, 422) if name in CHOICES_ONLY else (403,)
        if status not in expected:
            wrong[name] = status
    assert wrong == {}


# Forms that offer only what the person may choose: anything else is no choice, hence 422.
CHOICES_ONLY = {
    "portal:feature_new",
    "billing:budgets",
    "deployments:capacity",
    "deployments:portfolio",
    "cascade:cascades",
}
REST_OF_THE_PLAN = {
    "latency_percentile": "99",
    "latency_of": "whole-answer",
    "region": "us-east-1",
    "engine": "vllm",
}
REST_OF_THE_FORM = {
    "latency_percentile": "95",
    "latency_of": "whole-answer",
    "precision": "bf16",
    "residency": "anywhere",
    "region": "us-east-1",
    "longest_commitment_months": "0",
}


def _post(browser: Client, path: str, body: dict[str, Any]) -> int:
    """Return the status, and undo what was done."""
    is_rest = path.startswith("/api/")
    before = transaction.savepoint()
    reply = browser.post(path, body, **({"content_type": "application/json"} if is_rest else {}))
    transaction.savepoint_rollback(before)
    return reply.status_code
