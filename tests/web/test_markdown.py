"""Card details in a page: GitHub Flavored Markdown, and nothing that a chart could smuggle in."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cards.response.markdown import escape
from cds_service.pages.rendering.markdown import block_html, line_html

HARMLESS = {
    *("a", "blockquote", "br", "code", "em", "hr", "li", "ol", "p", "pre", "s", "strong", "ul"),
    *("table", "tbody", "td", "th", "thead", "tr"),
}
HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![pixel](https://evil.example/p.png)",
    "![pixel][1]\n\n[1]: https://evil.example/p.png",
    "[here](javascript:alert(1))",
    "[here](JaVaScRiPt:alert(1))",
    "[here](java\nscript:alert(1))",
    "[here](&#106;avascript:alert(1))",
    "[here](data:text/html;base64,PHNjcmlwdD4=)",
    "[here](vbscript:x)",
    "[here](//evil.example)",
    "[here](/feedback)",
    "[here][r]\n\n[r]: javascript:alert(1)",
    "[here][r]\n\n[r]: http://evil.example",
    "<javascript:alert(1)>",
    "<http://evil.example>",
    "<nurse@evil.example>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "| a |\n|---|\n| <img src=x onerror=alert(1)> |",
    "| a |\n|---|\n| [x](javascript:alert(1)) |",
    "```html\n<script>alert(1)</script>\n```",
    '~~~"><script>alert(1)</script>\nx\n~~~',
    '<a href="https://evil.example" onclick="x">y</a>',
    '<style>*{display:none}</style><base href="https://evil.example">',
    "<!-- --><svg onload=alert(1)>",
    "<iframe src=https://evil.example>",
    "<form action=https://evil.example><input>",
    '[x](https://good.example "title\\" onmouseover=alert(1)")',
    "<details open ontoggle=alert(1)>",
    "</p></section></main><h1>owned</h1>",
)


class Reader(HTMLParser):
    """Collects the elements, attributes and text of HTML."""

    def __init__(self, html: str) -> None:
        """Read HTML."""
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str | None]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.add(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += data


def assert_harmless(html: str) -> Reader:
    """Fail on an element or attribute that could do anything but be read or lead to https."""
    found = Reader(html)
    assert found.tags <= HARMLESS
    for tag, name, value in found.attributes:
        assert (tag, name) in {("a", "href"), ("a", "rel"), ("ol", "start")}
        if name == "href":
            assert str(value).lower().startswith("https://")
    return found


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_harmless(text: str) -> None:
    """Scripts, pictures, frames and links to anything but https come out as text or not at all."""
    assert_harmless(block_html(text))
    assert_harmless(line_html(text))


@pytest.mark.parametrize("text", HOSTILE)
def test_escaped_text_renders_as_itself(text: str) -> None:
    """What the service escapes, as it does with words from charts, is read as it was written."""
    found = assert_harmless(line_html(escape(text)))
    assert re.sub(r"\s+", "", found.text) == re.sub(r"\s+", "", text)
    assert not found.tags


@given(st.text(alphabet=st.sampled_from("ab<>[]()!&#;:/\"'`*_~|\\\n -=@.xhtps"), max_size=60))
def test_any_text_is_harmless(text: str) -> None:
    """No combination of markup signs makes an element that is not on the list."""
    assert_harmless(block_html(text))


def test_card_markup_is_kept() -> None:
    """Bold, lists, code and tables of a card are shown as such."""
    html = block_html("**Why:**\n\n- one `Condition/1`\n- two\n\n| a | b |\n|---|:-:|\n| 1 | 2 |\n\n1. first")
    assert "<strong>Why:</strong>" in html
    assert "<li>one <code>Condition/1</code></li>" in html
    assert "<td>2</td>" in html
    assert "style" not in html


def test_link_to_https_tells_nothing_of_this_page() -> None:
    """A link that is kept cannot reach back and sends no referrer."""
    html = block_html("[ACR](https://acsearch.acr.org/)")
    assert html == '<p><a href="https://acsearch.acr.org/" rel="noopener noreferrer">ACR</a></p>\n'


@pytest.mark.parametrize(("text", "kept"), [("# Heading", "# Heading"), ("Title\n===", "===")])
def test_headings_stay_text(text: str, kept: str) -> None:
    """A card cannot enter the outline of the page that shows it."""
    assert kept in block_html(text)


@pytest.mark.parametrize("text", ["@nurse look", "www.evil.example", "https://evil.example", "a@evil.example"])
def test_mentions_and_bare_addresses_stay_text(text: str) -> None:
    """Only a link that somebody wrote as a link is one."""
    assert block_html(text) == f"<p>{text}</p>\n"


def test_result_is_not_escaped_again() -> None:
    """A template shows the HTML, since it is marked as safe."""
    marked: Any = block_html("**x**")
    assert marked.__html__() == "<p><strong>x</strong></p>\n"
