"""Build the icon sprite from an unpacked @tabler/icons package.

Run after a change of icons.json: `npm pack @tabler/icons@3.51.0`, unpack it, then
`python static/vendor/build_icons.py PACKAGE_FOLDER > static/icons.svg`.
"""

import json
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
INVISIBLE = '<path stroke="none" d="M0 0h24v24H0z" fill="none" />'


def symbol(*, name: str, source: str) -> str:
    """Return one icon as a `<symbol>` that takes the text's colour."""
    shapes = re.search(r"<svg[^>]*>(.*)</svg>", source, re.S)
    if shapes is None:
        raise ValueError(f"{name} is not an SVG file.")
    body = " ".join(shapes[1].replace(INVISIBLE, "").split())
    return f'<symbol id="{name}" viewBox="0 0 24 24">{body}</symbol>'


def sprite(*, package: Path) -> str:
    """Return the whole sprite, in the order of icons.json."""
    names = json.loads((HERE / "icons.json").read_text())
    symbols = [
        symbol(name=name, source=(package / "icons" / "outline" / f"{drawing}.svg").read_text())
        for name, drawing in names.items()
    ]
    body = "\n".join(symbols)
    return f'<svg xmlns="http://www.w3.org/2000/svg">\n{body}\n</svg>\n'


if __name__ == "__main__":
    sys.stdout.write(sprite(package=Path(sys.argv[1])))
