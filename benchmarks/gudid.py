"""What it takes to import AccessGUDID, and what a look-up costs: measured with as many invented rows as it has.

    python -m benchmarks.gudid [--rows 5000000]

Writes an archive with the columns, the sizes and the shares of the real one, imports it in a process of its own, and
looks identifiers up, known and unknown, whose pages nobody has touched, and the same again.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cds_service.gudid.table import GudidTable
from fhir_mappings.devices.udi import parse_udi
from tests.gudid import COLUMNS, KINDS, OTHERS

# Of each hundred models, in turn: implants with each status, and what is no implant.
_IMPLANTS: Final = (("MR Conditional", 8), ("MR Unsafe", 1), ("MR Safe", 1))
_SILENT: Final = "Labeling does not contain MRI Safety Information"
_SILENT_IMPLANTS: Final = 8
_COMPANIES: Final = 9_000
_LOOK_UPS: Final = 20_000


def main() -> None:
    """Write, import, look up, and print what each took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--folder", type=Path, help="where to write some gigabytes  [default: the temporary folder]")
    given = parser.parse_args()
    with TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        archive, table = folder / "AccessGUDID_Delimited_Full_Release_20260301.zip", folder / "gudid.sqlite3"
        unpacked = write_archive(archive, given.rows)
        print(f"archive: {given.rows:,} devices, {unpacked / 1e9:.2f} GB unpacked, {_size(archive)}")
        print(f"import: {_imported(archive, table)}")
        print(f"table: {_size(table)}")
        device = folder / "device.txt"
        with zipfile.ZipFile(archive) as packed, packed.open("device.txt") as inside, device.open("wb") as out:
            while block := inside.read(1 << 24):
                out.write(block)
        alone = folder / "alone.sqlite3"
        print(f"import of device.txt alone: {_imported(device, alone)}, {_size(alone)}")
        device.unlink()
        _look_up(table, given.rows)


def write_archive(file: Path, rows: int) -> int:
    """Write an archive of invented devices, and return how many bytes it holds."""
    written = 0
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, lines in (("device.txt", _devices), ("gmdnTerms.txt", _kinds), ("identifiers.txt", _others)):
            with archive.open(name, "w", force_zip64=True) as stream:
                for line in lines(rows):
                    written += stream.write(f"{line}\r\n".encode())
    return written


def identifier(number: int, *, package: bool = False) -> str:
    """Return the GTIN of a device that is nowhere sold, or of its package; the numbers lie scattered."""
    digits = f"{int(package)}{(number * 7_368_787) % 10**11:011}0"
    return f"{digits}{-(3 * sum(map(int, digits[::2])) + sum(map(int, digits[1::2]))) % 10}"


def _status(number: int) -> tuple[str, bool]:
    """Return the MR status of a device and whether it is an implant."""
    place = number % 100
    for status, share in _IMPLANTS:
        if place < share:
            return status, True
        place -= share
    if place < _SILENT_IMPLANTS:
        return _SILENT, True
    place -= _SILENT_IMPLANTS
    return ("MR Unsafe" if place == 0 else _SILENT), False


def _devices(rows: int) -> Iterator[str]:
    yield COLUMNS
    for number in range(rows):
        text = f'Example device {number}, sterile, single use, for what nobody needs, size {number % 97} mm, 1.5" long'
        day = f"20{15 + number % 11}-0{1 + number % 9}-17"
        flags = "false|false|false|false|false|true|true|false|false|true|false|false|false"
        yield (
            f"{identifier(number)}|{number:032x}|Update|Published|3|{day}|2016-09-24"
            f"||In Commercial Distribution|Example {number % 50_000}|{number % 200_000:07}-{number % 97:02}"
            f"|CAT-{number}|{number % _COMPANIES:09}|Example Devices {number % _COMPANIES} Inc.|1|{text}"
            f"|{flags}|{_status(number)[0]}|true|false|false|false"
        )


def _kinds(rows: int) -> Iterator[str]:
    yield KINDS
    text = "A device that stands for one of a kind, of which this definition would tell more than anybody reads."
    for number in range(rows):
        yield f"{identifier(number)}|Example kind|{text}|{number % 40_000}|Active|{str(_status(number)[1]).lower()}"


def _others(rows: int) -> Iterator[str]:
    yield OTHERS
    for number in range(rows):
        device = identifier(number)
        yield f"{device}|{device}|Primary|GS1|||||"
        if number % 3 == 0:
            yield f"{device}|{identifier(number, package=True)}|Package|GS1|{device}|10||In Commercial Distribution|Box"


def _imported(source: Path, table: Path) -> str:
    command = [sys.executable, "-m", "cds_service", "gudid", "import", str(source), "--into", str(table)]
    if source.suffix == ".txt":
        command += ["--released", "2026-03-01"]
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)  # noqa: S603 - our own
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    elapsed = time.monotonic() - begun
    return f"{elapsed:.0f} s ({after.ru_utime - before:.0f} s of processor), peak {after.ru_maxrss / 1024:.0f} MB"


def _look_up(file: Path, rows: int) -> None:
    begun = time.perf_counter()
    table = GudidTable(file)
    print(f"opening: {(time.perf_counter() - begun) * 1000:.0f} ms, {table.facts.rows:,} identifiers")
    chance = random.Random(7)  # noqa: S311 - no secret
    known = [identifier(number * 100 % rows) for number in (chance.randrange(rows) for _ in range(_LOOK_UPS))]
    unknown = [identifier(rows + chance.randrange(rows)) for _ in range(_LOOK_UPS)]
    for name, asked in (("known, first time", known), ("known, again", known), ("unknown", unknown)):
        begun = time.perf_counter()
        found = sum(table.label_of(each) is not None for each in asked)
        each = (time.perf_counter() - begun) / len(asked) * 1e6
        print(f"look-up, {name}: {each:.1f} µs ({found:,} of {len(asked):,} found)")
    texts = [f"(01){each}(17)271231(10)A1B2(21)12345" for each in known]
    begun = time.perf_counter()
    for text in texts:
        parse_udi(text)
    print(f"reading a UDI: {(time.perf_counter() - begun) / len(texts) * 1e6:.1f} µs")


def _size(file: Path) -> str:
    return f"{file.stat().st_size / 1e6:,.1f} MB"


if __name__ == "__main__":
    main()
