"""`manage.py up` under the mishaps of a developer's machine."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from tests.fixtures.servers import wait_until
from tests.fixtures.stack import (
    Stack,
    described,
    is_ready,
    new_home,
    processes_of,
    running,
    start,
    stop,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installation() -> Iterator[Stack]:
    with running("up", "--seed", "none") as started:
        yield started


def test_it_says_where_to_go_and_answers_there(installation: Stack) -> None:
    assert f"{installation.url}/" in installation.log.read_text()
    assert installation.status_of("/health/live/") == 200


def test_its_data_folder_is_private(installation: Stack) -> None:
    assert installation.home.stat().st_mode & 0o077 == 0
    assert (installation.home / "secret_key").stat().st_mode & 0o077 == 0


def test_another_terminal_finds_the_installation_that_runs(installation: Stack) -> None:
    asked = installation.manage(
        "shell",
        "-v0",
        "-c",
        "from django.db import connection as c; "
        "c.ensure_connection(); print(c.settings_dict['HOST'])",
    )
    assert asked.returncode == 0, asked.stderr
    assert str(installation.home) in asked.stdout


def test_a_second_start_in_the_same_folder_is_refused(installation: Stack) -> None:
    second = installation.manage("up")
    assert second.returncode == 1
    assert "already runs with the data folder" in second.stderr
    assert installation.url in second.stderr


def test_a_reset_is_refused_while_it_runs(installation: Stack) -> None:
    refused = installation.manage("reset")
    assert refused.returncode == 1
    assert (installation.home / "secret_key").exists()


@pytest.mark.parametrize("words", [("celery", "worker"), ("granian", "wsgi"), ("valkey-server",)])
def test_a_killed_process_is_started_again(installation: Stack, words: tuple[str, ...]) -> None:
    killed = installation.pid_of(*words)
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    wait_until(
        lambda: installation.pid_of(*words) not in (None, killed), what=f"{words} starts again"
    )
    mark = installation.home / "marks" / "worker-ready"
    wait_until(lambda: mark.exists(), what="the worker is ready again")
    wait_until(lambda: _answers(installation), what="pages answer again")
    assert not os.path.exists(f"/proc/{killed}")


def test_ctrl_c_stops_everything_and_the_data_is_found_again() -> None:
    with running("stop", "--seed", "none") as first:
        made = first.manage(
            "shell",
            "-v0",
            "-c",
            "from portal.models import User; User.objects.create_user('kept', 'kept@example.org')",
        )
        assert made.returncode == 0, made.stderr
        stop(first)
        assert first.process.returncode == 0
        assert processes_of(first.home) == []
        second = start(first.home, "--seed", "none")
        try:
            wait_until(
                lambda: second.log.read_text().count("Slipway is ready") == 2,
                what="Slipway starts again",
                process=second.process,
            )
            asked = second.manage(
                "shell",
                "-v0",
                "-c",
                "from portal.models import User; "
                "print(User.objects.filter(username='kept').count())",
            )
            assert asked.stdout.strip() == "1"
            assert second.log.read_text().count("migrate done") == 1
        finally:
            stop(second)


def test_a_killed_supervisor_leaves_nothing_behind() -> None:
    home = new_home("kill")
    stack = start(home, "--seed", "none")
    try:
        wait_until(lambda: is_ready(stack), what="Slipway starts", process=stack.process)
        assert len(processes_of(home)) > 6
        stack.process.kill()
        stack.process.wait(timeout=10)
        try:
            wait_until(lambda: processes_of(home) == [], what="everything ends")
        except RuntimeError as error:
            left = "\n".join(described(pid) for pid in processes_of(home))
            raise RuntimeError(f"{error}\n{left}\n{stack.log.read_text()[-6000:]}") from error
    finally:
        stop(stack)


def _answers(stack: Stack) -> bool:
    try:
        return stack.status_of("/health/live/") == 200
    except OSError:
        return False
