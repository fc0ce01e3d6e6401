"""Escaping: what did not come from the catalogue is shown as text."""

from __future__ import annotations

import pytest

from cards.response.markdown import escape, reference


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain words, 3.5 mg/L (50 %)", "plain words, 3.5 mg/L (50 %)"),
        ("<script>x</script>", "\\<script\\>x\\</script\\>"),
        ("[a](b)", "\\[a\\](b)"),
        ("![a](b)", "!\\[a\\](b)"),
        ("*a* _b_ `c` ~d~ |e|", "\\*a\\* \\_b\\_ \\`c\\` \\~d\\~ \\|e\\|"),
        ("\\*a", "\\\\\\*a"),
        ("me@example.org", "me\\@example.org"),
        ("&lt;", "\\&lt;"),
        ("http://x.example", "http:\\//x.example"),
        ("HTTPS://x", "HTTPS:\\//x"),
        ("www.x.example", "www\\.x.example"),
        ("WWW.x", "WWW\\.x"),
        ("two\nlines\r\n\tand\u2028more", "two lines and more"),
        ("  around  ", "around"),
        ("", ""),
    ],
)
def test_text_renders_as_itself(text: str, escaped: str) -> None:
    """Markup, links, mentions and line breaks in a text are shown, not followed."""
    assert escape(text) == escaped


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Condition/abc-1.2", "`Condition/abc-1.2`"),
        ("Condition/a`b", "`Condition/ab`"),
        ("Condition/<script>", "`Condition/script`"),
        ("urn:uuid:1-2", "`urnuuid1-2`"),
        ("Condition/" + "x" * 200, f"`Condition/{'x' * 90}…`"),
        ("", "``"),
    ],
)
def test_reference_is_a_code_span(text: str, shown: str) -> None:
    """A reference can hold nothing that an id may not hold, and has a length that fits a card."""
    assert reference(text) == shown
