"""Take docs/screenshots/*.png, by hand: against a running installation that was played.

make run                                   # in one terminal
make play                                  # in another, once it is ready
.venv/bin/python -m tests.functional.screenshots [data folder, default var]
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "screenshots"
WIDTH, HEIGHT = 1280, 900
PAGES = {
    "home": "/",
    "features": "/features/",
    "workload": "/features/chatbot/workload/",
    "options": "/features/chatbot/options/",
    "launch": "/features/chatbot/launch/?environment=staging",
    "deployment": "/deployments/chatbot-production/",
    "spend": "/spend/",
    "fleet": "/fleet/",
}
SCHEMES = ("light", "dark")


def main() -> None:
    """Sign in as the lead and take every page in both themes."""
    home = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "var"
    url = json.loads((home / "environment.json").read_text())["PUBLIC_URL"]
    people = json.loads((home / "accounts.json").read_text())
    lead = next(person for person in people if person["role"] == "lead")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or "/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu"],
        )
        state = _signed_in(browser, url, lead)
        for scheme in SCHEMES:
            _take_all(browser, url, state, scheme)
        browser.close()


def _signed_in(browser: Browser, url: str, person: dict[str, str]) -> Any:
    page = browser.new_page()
    page.goto(f"{url}/accounts/login/")
    page.fill("input[name=login]", person["email"])
    page.fill("input[name=password]", person["password"])
    page.press("input[name=password]", "Enter")
    page.wait_for_url(lambda at: "/accounts/login" not in at)
    return page.context.storage_state()


def _take_all(browser: Browser, url: str, state: Any, scheme: str) -> None:
    context = browser.new_context(
        base_url=url,
        storage_state=state,
        color_scheme=scheme,
        reduced_motion="reduce",
        viewport={"width": WIDTH, "height": HEIGHT},
    )
    # The tour of a first visit hides what the pictures are about.
    context.add_cookies([{"name": "slipway_tour", "value": "done", "url": url}])
    page = context.new_page()
    for name, path in PAGES.items():
        _take(page, path, FOLDER / f"{name}-{scheme}.png")
    context.close()


def _take(page: Page, path: str, file: Path) -> None:
    page.goto(path)
    page.wait_for_load_state("networkidle")
    expect(page.locator("[data-chart]:not(:has(svg))")).to_have_count(0)
    page.screenshot(path=file, animations="disabled")
    print(f"{file.relative_to(ROOT)}  {file.stat().st_size / 1000:.0f} kB")  # noqa: T201


if __name__ == "__main__":
    main()
