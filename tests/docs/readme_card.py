"""The card in the README: cut from what the command prints, and written there by `make docs`."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path

from click.testing import CliRunner

from cds_service.cli import main as cli

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
_DEMO = ROOT / "cds_service" / "demo" / "acute-low-back-pain.json"
_BLOCK = re.compile(r"(<!-- card:begin[^\n]*-->\n).*?(<!-- card:end -->)", re.DOTALL)


def card_block() -> str:
    """Return the first card of the demo as a Markdown block, at 100 columns and without colour."""
    output = CliRunner().invoke(cli.main, ["assess", str(_DEMO)], env={"COLUMNS": "100", "NO_COLOR": "1"}).output
    lines = output.splitlines()
    card = [*takewhile(lambda line: not line.startswith("╰"), lines)]
    return "\n".join(["```text", *card, lines[len(card)], "```"])


def main() -> None:
    """Write the card into the README."""
    block = card_block()
    text = _BLOCK.sub(lambda found: f"{found[1]}{block}\n{found[2]}", README.read_text(encoding="utf-8"))
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
