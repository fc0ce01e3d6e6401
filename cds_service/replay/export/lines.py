"""The lines of a file, read in a stream: packed or not, with any line ending, each with its place.

What cannot be read is told with its place and a reason, never with its content: a file that is cut short, a line that
is too long to be held.
"""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING, BinaryIO, Final, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cds_service.replay.export.files import ExportFile

BLOCK: Final = 1024 * 1024
LONGEST_LINE: Final = 256 * 1024 * 1024
_BOM: Final = b"\xef\xbb\xbf"


class Line(msgspec.Struct, gc=False):
    """A line without its ending: its number from 1, and where it begins, in bytes of the unpacked file.

    `fault` says why it cannot be used; its text is then empty.
    """

    number: int
    offset: int
    text: bytes
    fault: str = ""


def blocks_of(file: ExportFile, start: int = 0) -> Iterator[bytes]:
    """Yield a file's unpacked bytes from a place on; OSError, EOFError or zlib.error where it is cut short."""
    with _opened(file) as stream:
        if start:
            stream.seek(start)
        read = getattr(stream, "read1", stream.read)
        while block := read(BLOCK):
            yield block


def _opened(file: ExportFile) -> BinaryIO:
    if file.packing == "gz":
        return cast("BinaryIO", gzip.open(file.path, "rb"))
    if file.packing == "zst":
        import pyarrow as pa  # noqa: PLC0415 (comes with the replay extra)

        return cast("BinaryIO", pa.CompressedInputStream(pa.OSFile(str(file.path)), "zstd"))
    return file.path.open("rb", buffering=0)


def lines_of(file: ExportFile, start: int = 0, end: int | None = None) -> Iterator[Line]:
    """Yield the lines that begin in a part of a file; a part that begins inside a line leaves that to the part before.

    Only a plain file can be read in parts.
    """
    begin = start - 1 if start else 0
    lines = _split(file, begin)
    if start:
        first = next(lines, None)  # ends where the part begins, or is the end of the line before
        if first is None or first.fault:
            return
    for line in lines:
        if end is not None and line.offset >= end:
            return
        if start:
            line.number -= 1
        yield line


def _split(file: ExportFile, begin: int) -> Iterator[Line]:
    number, offset = 1, begin
    parts: list[bytes] = []
    held = 0
    try:
        for block in blocks_of(file, begin):
            head, *rest = block.split(b"\n")
            held += len(head)
            if held <= LONGEST_LINE:
                parts.append(head)
            else:
                parts.clear()
            if not rest:
                continue
            yield _line(number, offset, b"".join(parts), held)
            number, offset = number + 1, offset + held + 1
            last = rest.pop()
            for text in rest:
                yield Line(number, offset, text)
                number, offset = number + 1, offset + len(text) + 1
            parts, held = [last], len(last)
    except (OSError, EOFError, zlib.error):
        yield Line(number, offset, b"", "file-cut-short")
        return
    if held:
        yield _line(number, offset, b"".join(parts), held)


def _line(number: int, offset: int, text: bytes, length: int) -> Line:
    if length > LONGEST_LINE:
        return Line(number, offset, b"", "line-too-long")
    return Line(number, offset, text.removeprefix(_BOM) if number == 1 and not offset else text)
