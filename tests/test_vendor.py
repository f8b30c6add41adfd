"""What is vendored is what was published, with its licence, and nothing else."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = json.loads((ROOT / "static/vendor/vendor.json").read_text())
PACKAGES = MANIFEST["packages"]
NAMES = [package["name"] for package in PACKAGES]


def sha256(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("package", PACKAGES, ids=NAMES)
def test_vendored_files_are_those_of_the_manifest(package):
    folder = ROOT / package["folder"]
    found = {
        str(path.relative_to(folder)): sha256(path) for path in folder.rglob("*") if path.is_file()
    }
    assert found == package["files_sha256"]


@pytest.mark.parametrize("package", PACKAGES, ids=NAMES)
def test_every_package_comes_with_its_licence(package):
    assert len((ROOT / package["folder"] / "LICENSE").read_text()) > 500
    assert package["licence"]
    assert package["npm_integrity"].startswith("sha512-")
    assert package["folder"].endswith(package["version"])


def test_every_vendored_folder_is_in_the_manifest():
    folders = [*(ROOT / "static/vendor").iterdir(), *(ROOT / "tests/vendor").iterdir()]
    found = {str(path.relative_to(ROOT)) for path in folders if path.is_dir()}
    assert found - {"static/vendor/__pycache__"} == {package["folder"] for package in PACKAGES}


def test_built_files_are_those_of_the_manifest():
    found = {name: sha256(ROOT / name) for name in MANIFEST["built_sha256"]}
    assert found == MANIFEST["built_sha256"]


def test_the_sprite_has_every_icon_of_the_list():
    names = list(json.loads((ROOT / "static/vendor/icons.json").read_text()))
    assert re.findall(r'<symbol id="([^"]+)"', (ROOT / "static/icons.svg").read_text()) == names


def test_every_icon_a_template_draws_is_in_the_sprite():
    names = set(json.loads((ROOT / "static/vendor/icons.json").read_text()))
    drawn = {
        name
        for template in (ROOT / "templates").rglob("*.html")
        for name in re.findall(r"""\{% icon ["']([\w-]+)["']""", template.read_text())
    }
    assert drawn
    assert drawn - names == set()


def test_nothing_of_ours_names_a_foreign_host():
    ours = [*(ROOT / "static").glob("*.*"), *(ROOT / "static/css").glob("*.css")]
    for path in [*ours, *(ROOT / "templates").rglob("*.html")]:
        hosts = set(
            re.findall(
                r"""(?:src|href|url\()\s*=?\s*["']?(?:https?:)?//([^/"'\s]+)""", path.read_text()
            )
        )
        assert hosts == set(), f"{path.name} loads from {hosts}"


def test_no_template_writes_what_the_policy_forbids():
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"\sstyle=|\son[a-z]+=|\shx-on|javascript:", text), path.name
        assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", text), path.name
