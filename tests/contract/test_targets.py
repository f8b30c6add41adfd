"""One contract for every target: the real ones over HTTP, and their twin in memory."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from deployments.adapters.memory import Cloud
from deployments.adapters.targets import target_for
from deployments.domain.blueprint import Names, ResourceSpec, blueprint
from deployments.domain.blueprint.spec import Kind, resolve
from deployments.domain.lifecycle import IN_MOTION, Observed, Phase
from deployments.domain.options import LAUNCHABLE, Size, Tier
from deployments.domain.target import Permanent, Target, Transient, Wish
from tests.fixtures.options import names, option
from tests.fixtures.servers import Sandbox

QUICK = {
    "provisioned_throughput_s": 0.2,
    "endpoint_s": 0.2,
    "endpoint_update_s": 0.2,
    "endpoint_delete_s": 0.1,
    "function_s": 0.1,
}


@dataclass(frozen=True, slots=True)
class World:
    """A cloud to try the contract on."""

    find: Callable[[str], Target]
    pass_time: Callable[[], None]


@pytest.fixture(params=["memory", "sandbox"])
def world(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[World]:
    if request.param == "memory":
        cloud = Cloud()
        yield World(cloud.target_for, cloud.settle)
        return
    sandbox.reset()
    sandbox.put("delays", QUICK)
    yield World(target_for, lambda: time.sleep(0.1))
    sandbox.reset()


@pytest.fixture
def own_names() -> Names:
    """Names that no other test uses."""
    return names(f"t{uuid.uuid4().hex[:8]}")


def until_settled(world: World, target: Target, wish: Wish) -> Observed | None:
    """Look until nothing moves, making what a second call makes."""
    for _ in range(100):
        seen = target.observe(wish)
        if seen is None:
            return None
        if seen.phase is Phase.READY and seen.differs:
            target.update(wish)
        elif seen.phase not in IN_MOTION:
            return seen
        world.pass_time()
    raise AssertionError(f"{wish.name} never came to rest")


def build(world: World, resources: tuple[ResourceSpec, ...]) -> list[tuple[Target, Wish]]:
    """Make everything in order and return it."""
    outputs: dict[str, dict[str, object]] = {}
    built = []
    for each in resources:
        target = world.find(each.kind)
        wish = Wish(each.name, resolve(each.spec, outputs))
        assert target.observe(wish) is None, each.key
        target.create(wish)
        seen = until_settled(world, target, wish)
        assert seen is not None, each.key
        assert (seen.phase, seen.foreign, seen.differs) == (Phase.READY, "", False), each.key
        outputs[each.key] = dict(seen.outputs)
        built.append((target, replace(wish, known=outputs[each.key])))
    return built


def end(world: World, built: list[tuple[Target, Wish]]) -> None:
    """End everything in reverse."""
    for target, wish in reversed(built):
        target.delete(wish)
        for _ in range(100):
            if target.observe(wish) is None:
                break
            world.pass_time()
        assert target.observe(wish) is None


@pytest.mark.parametrize("tier", sorted(LAUNCHABLE))
def test_everything_of_a_tier_is_made_found_and_ended(
    world: World, own_names: Names, tier: Tier
) -> None:
    built = build(world, blueprint(option=option(tier), names=own_names))

    end(world, built)

    for target, wish in built:
        target.delete(wish)  # what is gone already is no error
        assert target.observe(wish) is None


@pytest.mark.parametrize("tier", sorted(LAUNCHABLE))
def test_a_repeated_create_changes_nothing(world: World, own_names: Names, tier: Tier) -> None:
    built = build(world, blueprint(option=option(tier), names=own_names))
    before = [target.observe(wish) for target, wish in built]

    for target, wish in built:
        target.create(wish)

    after = [until_settled(world, target, wish) for target, wish in built]
    assert [seen.outputs for seen in after if seen] == [seen.outputs for seen in before if seen]


@pytest.mark.parametrize("tier", sorted(LAUNCHABLE))
def test_what_another_generation_made_is_foreign(
    world: World, own_names: Names, tier: Tier
) -> None:
    first = blueprint(option=option(tier), names=own_names)[0]
    target = world.find(first.kind)
    target.create(Wish(first.name, first.spec))

    stranger = {**first.spec["tags"], "slipway:generation": "99"}
    seen = target.observe(Wish(first.name, {**first.spec, "tags": stranger}))

    assert seen is not None
    assert "not of this deployment" in seen.foreign
    target.delete(Wish(first.name, first.spec)) if first.kind is not Kind.THROUGHPUT else None


def test_an_endpoint_counts_its_instances_and_grows_in_place(
    world: World, own_names: Names
) -> None:
    tier = Tier.SAGEMAKER_REAL_TIME
    built = build(world, blueprint(option=option(tier), names=own_names))
    wider = blueprint(
        option=option(tier, size=Size(instance_type="ml.g5.xlarge", instances=3, max_instances=4)),
        names=own_names,
    )
    place = next(n for n, each in enumerate(wider) if each.kind is Kind.ENDPOINT)
    target, wish = built[place]
    assert target.observe(wish).capacity == 2

    grown = replace(wish, spec={**wish.spec, "least": 3, "most": 4})
    assert target.observe(grown).differs
    seen = until_settled(world, target, grown)

    assert seen.capacity == 3
    assert not seen.differs
    end(world, built)


def test_scaling_bounds_change_in_place(world: World, own_names: Names) -> None:
    built = build(world, blueprint(option=option(Tier.SAGEMAKER_REAL_TIME), names=own_names))
    target, wish = built[-2]
    wider = replace(wish, spec={**wish.spec, "most": 7})

    assert target.observe(wider).differs
    target.update(wider)

    assert not target.observe(wider).differs
    end(world, built)


def test_model_units_never_change_in_place(world: World, own_names: Names) -> None:
    (target, wish), *_ = built = build(
        world, blueprint(option=option(Tier.BEDROCK_PROVISIONED), names=own_names)
    )
    assert target.observe(wish).capacity == 2

    with pytest.raises(Permanent):
        target.update(wish)
    end(world, built)


def test_an_endpoint_that_is_being_made_is_not_ended_yet(world: World, own_names: Names) -> None:
    resources = blueprint(option=option(Tier.SAGEMAKER_REAL_TIME), names=own_names)
    built = build(world, resources[:4])
    target = world.find(Kind.ENDPOINT)
    wish = Wish(resources[4].name, resources[4].spec)
    target.create(wish)

    with pytest.raises(Transient):
        target.delete(wish)

    until_settled(world, target, wish)
    end(world, [*built, (target, wish)])
