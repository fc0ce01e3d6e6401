"""A request as it arrives: told whole from its bytes, before a thread is spent on it."""

from __future__ import annotations

from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

# More than the server takes of a head (100 fields of 8 kB), so that it is refused as it is.
LONGEST_HEAD: Final = 1024 * 1024


class _Progress:
    """What the parser has told of a request. It knows nothing of the bytes.

    The parser holds on to whom it tells. Were that the one who holds the parser and the bytes, each request would be
    in memory until the garbage collector came by, and that comes rarely: thousands of bodies later.
    """

    def __init__(self, longest_body: int) -> None:
        self.longest_body = longest_body
        self.is_ready = False
        self.is_whole = False
        self.has_head = False
        self.expects = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Note what decides how much is still to come."""
        match name.lower():
            case b"content-length" if value.isdigit() and int(value[:20]) > self.longest_body:
                self.is_ready = True
            case b"expect" if value.lower() == b"100-continue":
                self.expects = True

    def on_headers_complete(self) -> None:
        """Note that only the body is still to come."""
        self.has_head = True

    def on_message_complete(self) -> None:
        """Note that the request is whole."""
        self.is_ready = self.is_whole = True


class Arrival:
    """The bytes of one request, and of what a client sent behind it.

    `is_ready` once a thread need not wait for more: the request `is_whole`, or its length or form gets it refused.
    `has_head` once only the body is still to come. `awaits_continue` while a client holds its body back until it is
    told to go on (RFC 9110 section 10.1.1).
    """

    def __init__(self, longest_body: int) -> None:
        """Take the size in bytes beyond which a body is refused unread."""
        self.data = bytearray()
        self._progress = _Progress(longest_body)
        self._parser = HttpRequestParser(self._progress)

    @property
    def is_ready(self) -> bool:
        """Whether a thread need not wait for more."""
        return self._progress.is_ready

    @property
    def is_whole(self) -> bool:
        """Whether the request has arrived to its end."""
        return self._progress.is_whole

    @property
    def has_head(self) -> bool:
        """Whether only the body is still to come."""
        return self._progress.has_head

    @property
    def awaits_continue(self) -> bool:
        """Whether the client holds its body back."""
        return self._progress.expects and not self._progress.is_ready

    def feed(self, data: bytes) -> None:
        """Take the bytes that came."""
        self.data += data
        progress = self._progress
        if progress.is_ready:
            return
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            # What is wrong with it, the server says in its answer.
            progress.is_ready = True
        longest = LONGEST_HEAD + (progress.longest_body if progress.has_head else 0)
        if len(self.data) > longest:
            progress.is_ready = True
