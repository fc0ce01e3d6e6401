"""What tests ask of a page's HTML: its ids, its links, its text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_BLOCKS = frozenset({"dd", "div", "dt", "h1", "h2", "h3", "h4", "li", "p", "summary", "td", "th"})


class Html(HTMLParser):
    """Collects ids, links within and out of a page, and the text as a reader would see it."""

    def __init__(self, source: str) -> None:
        """Read a page."""
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self._parts: list[str] = []
        self.feed(source)
        self.close()
        self.text = re.sub(r"\s+", " ", "".join(self._parts))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note ids and links."""
        found = dict(attrs)
        if tag == "br":
            self._parts.append(" ")
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if tag == "a" and found.get("href"):
            self.links.append(str(found["href"]))

    def handle_endtag(self, tag: str) -> None:
        """Part the texts of different blocks."""
        if tag in _BLOCKS:
            self._parts.append(" ")

    def handle_data(self, data: str) -> None:
        """Note text."""
        self._parts.append(data)

    def dead_links(self) -> set[str]:
        """Return the links within the page that lead nowhere."""
        return {link for link in self.links if link.startswith("#") and link[1:] not in self.ids}
