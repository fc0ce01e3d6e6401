"""A request as it arrives: told whole from its bytes, before a thread is spent on it."""

from __future__ import annotations

from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

# More than the server takes of a head (100 fields of 8 kB), so that it is refused as it is.
LONGEST_HEAD: Final = 1024 * 1024


class Arrival:
    """The bytes of one request, and of what a client sent behind it.

    `is_ready` once a thread need not wait for more: the request `is_whole`, or its length or form gets it refused.
    `has_head` once only the body is still to come. `awaits_continue` while a client holds its body back until it is
    told to go on (RFC 9110 section 10.1.1).
    """

    def __init__(self, longest_body: int) -> None:
        """Take the size in bytes beyond which a body is refused unread."""
        self.data = bytearray()
        self.is_ready = False
        self.is_whole = False
        self.has_head = False
        self.awaits_continue = False
        self._longest_body = longest_body
        self._expects = False
        self._parser = HttpRequestParser(self)

    def feed(self, data: bytes) -> None:
        """Take the bytes that came."""
        self.data += data
        if self.is_ready:
            return
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            # What is wrong with it, the server says in its answer.
            self.is_ready = True
        longest = LONGEST_HEAD + (self._longest_body if self.has_head else 0)
        if len(self.data) > longest:
            self.is_ready = True
        self.awaits_continue = self._expects and not self.is_ready

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note what decides how much is still to come."""
        match name.lower():
            case b"content-length" if value.isdigit() and int(value[:20]) > self._longest_body:
                self.is_ready = True
            case b"expect" if value.lower() == b"100-continue":
                self._expects = True

    def on_headers_complete(self) -> None:
        """Note that only the body is still to come."""
        self.has_head = True

    def on_message_complete(self) -> None:
        """Note that the request is whole."""
        self.is_ready = self.is_whole = True
