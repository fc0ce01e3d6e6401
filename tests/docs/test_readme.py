"""The README says what is so: settings, messages, the card of the demo, and the commands to begin with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cards.guideline.guideline import MESSAGES
from cds_service.config.settings import _PROFILES, PREFIX, Settings
from tests.docs.readme_card import card_block

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")

# Defaults that are computed on the machine.
COMPUTED = {"workers": "one per processor, at most 2"}


def block(name: str) -> str:
    """Return what stands between the two markers of a block."""
    found = re.search(rf"<!-- {name}:begin.*?-->\n(.*?)<!-- {name}:end -->", README, re.DOTALL)
    assert found
    return found[1]


def default(name: str) -> str:
    """Return how a setting's default is written."""
    if name in COMPUTED:
        return COMPUTED[name]
    if name in _PROFILES["development"]:
        return ", ".join(f"`{written(values[name])}` in {profile}" for profile, values in _PROFILES.items())
    value = Settings.model_fields[name].default
    return "none" if value is None else f"`{written(value)}`"


def written(value: object) -> str:
    """Return a value as an environment variable holds it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def test_each_setting_stands_in_the_table() -> None:
    """The table holds every setting, in order, with its default and its meaning, and nothing else."""
    rows = [
        f"| `{PREFIX}{name.upper()}` | {default(name)} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    expected = "\n".join(["| Variable | Default | Meaning |", "|---|---|---|", *rows])
    assert block("settings").strip() == expected


@pytest.mark.usefixtures("untouched_logging")
def test_card_is_the_one_that_the_demo_gives() -> None:
    """The card in the README is the first one that the command prints today, at 100 columns."""
    assert block("card").strip() == card_block(), "`make docs` writes it anew"


def test_each_message_stands_in_the_table() -> None:
    """Every message that the guideline can give is in the table of cards, and no other."""
    _, _, rest = README.partition("| Message | Level |")
    table, _, _ = rest.partition("\n\n")
    assert set(re.findall(r"`(C-[A-Z0-9-]+)`", table)) == set(MESSAGES)


def test_commands_to_begin_with_exist() -> None:
    """The two `make` commands that a stranger reads first are targets of the Makefile."""
    commands = re.findall(r"^make (\w+)", README, re.MULTILINE)
    assert commands == ["run", "test"]
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(commands) <= set(targets)


def test_each_picture_is_shown() -> None:
    """Every picture of the repository stands in a document, and every one that a document names is there."""
    documents = [README, *(file.read_text(encoding="utf-8") for file in (ROOT / "docs").glob("*.md"))]
    shown = {name for text in documents for name in re.findall(r"pictures/([a-z-]+\.(?:png|svg))", text)}
    assert shown == {file.name for file in (ROOT / "docs" / "pictures").iterdir()}
