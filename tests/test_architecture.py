"""The house itself: imports, types, style, migrations, size, and words that may not stay."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
APPS = ("portal", "billing", "deployments", "cascade")
PRODUCT = (*APPS, "sandbox")
SOURCES = {".py", ".html", ".js", ".css", ".md", ".toml", ".yml", ".yaml", ".txt", ".sh"}
LONGEST_FILE_LINES = 300
LONGEST_FUNCTION_LINES = 50
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
# Written in two halves, so that this file does not hold them either.
FORBIDDEN = (
    "py" + "pi.org",
    "python" + "hosted.org",
    "registry.npm" + "js.org",
    "/work/" + "main",
    "/work/" + "shared",
    ".lib" + "rary",
    "tmp/" + "plan",
)
AUTOMATIC = re.compile(r"_auto_|_and_more")
VAGUE_NAMES = {"utils", "helpers", "common", "core", "misc"}


def tracked() -> list[Path]:
    """Return the project's own files as git knows them."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in found if path.is_file() and "vendor" not in path.parts]


def product_modules() -> list[Path]:
    """Return the product's Python files, without migrations."""
    found = (path for app in PRODUCT for path in (ROOT / app).rglob("*.py"))
    return sorted(path for path in found if "migrations" not in path.parts)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def run(*words: str) -> None:
    """Run one of the environment's tools, and fail with what it says."""
    done = subprocess.run(
        [str(BIN / words[0]), *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_imports_point_one_way() -> None:
    run("lint-imports", "--no-cache")


def test_lint_has_nothing_to_say() -> None:
    run("ruff", "check", "--quiet", ".")


def test_everything_is_formatted() -> None:
    run("ruff", "format", "--check", "--quiet", ".")


@pytest.mark.slow
def test_types_agree() -> None:
    run("mypy")


@pytest.mark.django_db
def test_every_model_has_its_migration() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_migrations_are_named_by_hand() -> None:
    found = (path for app in APPS for path in (ROOT / app / "migrations").glob("[0-9]*.py"))
    automatic = [
        named(path) for path in found if re.search(r"_auto_|_alter_\w+_and_more", path.name)
    ]
    assert automatic == []


def test_files_stay_short() -> None:
    lengths = {named(path): len(path.read_text().splitlines()) for path in product_modules()}
    assert {name: n for name, n in lengths.items() if n > LONGEST_FILE_LINES} == {}


def test_functions_stay_short() -> None:
    long = {}
    for path in product_modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION_LINES:
                    long[f"{named(path)}:{node.name}"] = lines
    assert long == {}


def test_every_module_says_what_lives_there() -> None:
    silent = [
        named(path)
        for path in product_modules()
        if path.read_text().strip()
        and path.name not in ("__init__.py", "apps.py")
        and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_no_module_has_a_vague_name() -> None:
    assert [named(path) for path in product_modules() if path.stem in VAGUE_NAMES] == []


def test_nothing_is_left_unfinished() -> None:
    found = [
        f"{named(path)}:{number}"
        for path in tracked()
        if path.suffix in SOURCES
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert found == []


def test_no_file_names_a_package_index_or_a_private_path() -> None:
    found = [
        f"{named(path)}: {word}"
        for path in tracked()
        if path.stat().st_size < 5_000_000
        for word in FORBIDDEN
        if word.encode() in path.read_bytes()
    ]
    assert found == []


def test_nothing_generated_is_committed() -> None:
    names = {path.name for path in tracked()}
    assert names & {"uv.lock", "pylock.toml", ".env", "db.sqlite3"} == set()
    assert not any(path.suffix in {".pyc", ".log", ".sqlite3"} for path in tracked())
