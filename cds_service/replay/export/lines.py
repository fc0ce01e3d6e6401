"""The lines of a file, read in a stream: packed or not, with any line ending, each with its place.

What cannot be read is told with its place and a reason, never with its content: a file that is cut short, a line that
is too long to be held.
"""

from __future__ import annotations

import gzip
import itertools
import operator
import zlib
from bisect import bisect_left
from typing import TYPE_CHECKING, BinaryIO, Final, cast

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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


class Stretch(msgspec.Struct, gc=False):
    """Lines that follow each other: the number and the offset of the first, and their texts without the endings.

    One with a `fault` holds a single line, without its text.
    """

    number: int
    offset: int
    texts: list[bytes]
    fault: str = ""

    @property
    def offsets(self) -> list[int]:
        """Where each line begins, and where one after the last would."""
        lengths = itertools.accumulate(map(len, self.texts), initial=self.offset)
        return list(map(operator.add, lengths, itertools.count()))


def lines_of(file: ExportFile, start: int = 0, end: int | None = None) -> Iterator[Line]:
    """Yield the lines that begin in a part of a file; a part that begins inside a line leaves that to the part before.

    Only a plain file can be read in parts.
    """
    for stretch in stretches_of(file, start, end):
        yield from lines_in(stretch)


def lines_in(stretch: Stretch) -> Iterator[Line]:
    """Yield the lines of a stretch one by one."""
    number, offset = stretch.number, stretch.offset
    for text in stretch.texts:
        yield Line(number, offset, text, stretch.fault)
        number, offset = number + 1, offset + len(text) + 1


def stretches_of(file: ExportFile, start: int = 0, end: int | None = None) -> Iterator[Stretch]:
    """Yield the lines of `lines_of`, as many together as come at once from the disk."""
    stretches = _split(file, start - 1 if start else 0)
    if start:
        first = next(stretches, None)
        if first is None or first.fault:
            return
        # Its first line ends where the part begins, or is the end of the line before.
        rest = Stretch(1, first.offset + len(first.texts[0]) + 1, first.texts[1:])
        stretches = itertools.chain([rest] if rest.texts else [], _renumbered(stretches))
    for stretch in stretches:
        # The first line comes alone, and is the first part's even where a byte order mark is longer than that part.
        if end is not None and (start or stretch.number > 1):
            if stretch.offset >= end:
                return
            del stretch.texts[bisect_left(stretch.offsets, end) :]
        yield stretch


def _renumbered(stretches: Iterable[Stretch]) -> Iterator[Stretch]:
    for stretch in stretches:
        stretch.number -= 1
        yield stretch


def _split(file: ExportFile, begin: int) -> Iterator[Stretch]:
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
            yield _first(number, offset, b"".join(parts), held)
            number, offset = number + 1, offset + held + 1
            last = rest.pop()
            if rest:
                yield Stretch(number, offset, rest)
                number, offset = number + len(rest), offset + len(block) - len(head) - 1 - len(last)
            parts, held = [last], len(last)
    except (OSError, EOFError, zlib.error):
        yield Stretch(number, offset, [b""], "file-cut-short")
        return
    if held:
        yield _first(number, offset, b"".join(parts), held)


def _first(number: int, offset: int, text: bytes, length: int) -> Stretch:
    if length > LONGEST_LINE:
        return Stretch(number, offset, [b""], "line-too-long")
    if number == 1 and not offset and text.startswith(_BOM):
        return Stretch(number, len(_BOM), [text.removeprefix(_BOM)])
    return Stretch(number, offset, [text])
