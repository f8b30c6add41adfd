"""The data folder: its lock, ports, secret key and environment."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from portal.embedded import home as homes
from portal.embedded.children import LONGEST_SOCKET_PATH_BYTES, socket_folder


@pytest.fixture
def home(tmp_path: Path) -> homes.Home:
    made = homes.Home(folder=tmp_path / "var")
    homes.make(made)
    return made


def test_a_secret_key_is_made_once_and_kept(home: homes.Home) -> None:
    first = homes.secret_key(home)
    assert len(first) >= 50
    assert homes.secret_key(home) == first
    assert (home.folder / "secret_key").stat().st_mode & 0o077 == 0


def test_a_second_lock_is_refused_with_who_holds_the_first(home: homes.Home) -> None:
    with homes.lock(home) as held:
        homes.write_holder(held, "process 7, at http://127.0.0.1:8000/")
        with pytest.raises(homes.Refused, match=r"already runs .* process 7"):
            homes.lock(home)
    homes.lock(home).close()


def test_a_taken_port_gives_way_to_the_next_and_is_remembered(home: homes.Home) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        (home.folder / "ports.json").write_text(f'{{"web": {taken}, "sandbox": {taken}}}')
        chosen = homes.ports(home)
        assert taken not in chosen.values()
        assert chosen["web"] != chosen["sandbox"]
        with pytest.raises(homes.Refused, match=f"Port {taken} is in use"):
            homes.ports(home, wanted_web=taken)
    assert homes.ports(home) == chosen


@pytest.mark.parametrize(
    "kept", ["", "[]", "{broken", '{"web": "many"}', '{"web": null}', '{"web": 99999}']
)
def test_a_damaged_list_of_ports_is_not_trusted(home: homes.Home, kept: str) -> None:
    (home.folder / "ports.json").write_text(kept)
    assert set(homes.ports(home)) == {"web", "sandbox", "gateway"}


def test_another_command_finds_the_running_installation(home: homes.Home) -> None:
    homes.keep_environment(home, {"DATABASE_URL": "postgresql:///kept", "SECRET_KEY": "kept"})
    environ = {"SLIPWAY_HOME": str(home.folder), "SECRET_KEY": "mine"}
    homes.load_environment(environ, command="migrate")
    assert environ["DATABASE_URL"] == "postgresql:///kept"
    assert environ["SECRET_KEY"] == "mine"


def test_a_real_key_never_meets_the_sandbox(home: homes.Home) -> None:
    sandbox = {"AWS_ENDPOINT_URL": "http://127.0.0.1:8100", "AWS_ACCESS_KEY_ID": "sandbox"}
    homes.keep_environment(home, sandbox)
    environ = {
        "SLIPWAY_HOME": str(home.folder),
        "AWS_ACCESS_KEY_ID": "REAL",
        "AWS_PROFILE": "real",
        "AWS_SESSION_TOKEN": "real",
    }
    homes.load_environment(environ, command="play")
    assert environ == {"SLIPWAY_HOME": str(home.folder), **sandbox}


def test_a_chosen_endpoint_keeps_its_own_key(home: homes.Home) -> None:
    homes.keep_environment(home, {"AWS_ENDPOINT_URL": "http://kept", "AWS_ACCESS_KEY_ID": "kept"})
    environ = {"SLIPWAY_HOME": str(home.folder), "AWS_ENDPOINT_URL": "http://mine"}
    homes.load_environment(environ, command="play")
    assert environ["AWS_ENDPOINT_URL"] == "http://mine"
    assert "AWS_ACCESS_KEY_ID" not in environ


def test_without_an_installation_nothing_is_invented(tmp_path: Path) -> None:
    environ = {"SLIPWAY_HOME": str(tmp_path / "none")}
    homes.load_environment(environ, command="migrate")
    assert environ == {"SLIPWAY_HOME": str(tmp_path / "none")}
    assert not (tmp_path / "none").exists()


def test_a_folder_that_is_not_ours_is_never_emptied(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(homes.Refused, match="left alone"):
        homes.empty(homes.Home(folder=tmp_path))
    assert (tmp_path / "thesis.txt").exists()


def test_a_reset_leaves_only_the_lock(home: homes.Home) -> None:
    homes.secret_key(home)
    with homes.lock(home):
        homes.empty(home)
    assert [path.name for path in home.folder.iterdir()] == ["lock"]


def test_an_unusable_data_folder_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(homes.Refused, match="SLIPWAY_HOME"):
        homes.make(homes.Home(folder=tmp_path / "file"))


def test_a_long_path_gets_a_short_private_place_for_its_sockets(tmp_path: Path) -> None:
    long = tmp_path / ("a-folder-with-a-long-name-" * 4) / "sockets"
    short = socket_folder(wanted=long, longest_name=".s.PGSQL.5432.lock")
    try:
        assert len(str(short / ".s.PGSQL.5432.lock")) <= LONGEST_SOCKET_PATH_BYTES
        assert short.stat().st_mode & 0o077 == 0
        assert socket_folder(wanted=long, longest_name=".s.PGSQL.5432.lock") == short
    finally:
        short.rmdir()
