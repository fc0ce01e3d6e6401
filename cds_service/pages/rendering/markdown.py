"""Markdown to harmless HTML: what a card says, as a browser may show it.

Card details hold words from charts. They are escaped where they are written; here they are not trusted again. No HTML
in the text is taken for HTML, no picture is loaded, a link leads to https or stays text, and the result passes an
allow-list of elements before it is called safe.
"""

from __future__ import annotations

from typing import Final

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

# No headings: a card is a part of somebody else's page and must not enter its outline.
_SWITCHED_OFF: Final = ("image", "heading", "lheading", "html_block", "html_inline")
_LINE: Final = {"a", "br", "code", "em", "s", "strong"}
_BLOCKS: Final = _LINE | {
    "blockquote",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "ul",
}
# "*" stands for every element, which by default may have a title and a language.
_ATTRIBUTES: Final[dict[str, set[str]]] = {"*": set(), "a": {"href"}, "ol": {"start"}}
_SCHEMES: Final = {"https"}


class _Parser(MarkdownIt):
    """GitHub Flavored Markdown without what a card has no use for."""

    def __init__(self) -> None:
        super().__init__("js-default", {"html": False, "linkify": False, "typographer": False})
        self.disable(list(_SWITCHED_OFF))

    def validateLink(self, url: str) -> bool:  # noqa: N802 - named by markdown-it
        """Whether a link is made; what fails stays the text that it was."""
        return url.lower().startswith("https://")


_PARSER: Final = _Parser()


def block_html(text: str) -> Markup:
    """Return Markdown blocks (paragraphs, lists, tables) as safe HTML."""
    return _cleaned(_PARSER.render(text), _BLOCKS)


def line_html(text: str) -> Markup:
    """Return one line of Markdown as safe HTML without a paragraph around it."""
    return _cleaned(_PARSER.renderInline(text), _LINE)


def _cleaned(html: str, tags: set[str]) -> Markup:
    cleaned = nh3.clean(html, tags=tags, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, link_rel="noopener noreferrer")
    return Markup(cleaned)  # noqa: S704 - nothing but the elements above is left
