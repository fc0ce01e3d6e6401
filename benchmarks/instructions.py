"""What one call costs in instructions, which no busy neighbour changes: counted by callgrind, in the process.

A child runs under valgrind and has it count only between two marks. Counted are a hook call, a call of the same
application with the same body that reads and does nothing, and `json.loads` of that body; a figure is
(hook - nothing) / json.loads.

    python -m benchmarks.instructions          the whole table
    python -m benchmarks.instructions --check  the small bodies, against the committed figures
"""

from __future__ import annotations

import argparse
import gc
import io
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.bodies import CALL, SIZES, TODAY, body

COMMITTED: Final = Path(__file__).with_name("instructions.json")
ALL: Final = ("10 kB", "100 kB", "1 MB", "5 MB")
QUICK: Final = ("10 kB", "100 kB")
KINDS: Final = ("lumbar", "unrelated")
NOTHING: Final = "/nothing"

_GROWTH: Final = 1.10
_MARK: Final = "lumbar-bench"
_SUMMARY: Final = re.compile(r"^summary: (\d+)", re.MULTILINE)
_TRIGGER: Final = re.compile(rf"^desc: Trigger: .*{_MARK} (.+)$", re.MULTILINE)

Figures = dict[str, dict[str, float]]


def count(sizes: Iterable[str]) -> Figures:
    """Return instructions by body (`lumbar 10 kB`) and by what was done with it (`hook`, `nothing`, `json`)."""
    with TemporaryDirectory() as folder:
        output = Path(folder) / "callgrind.out"
        command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={output}"]
        # Hashes decide how often two keys of a dictionary collide.
        environment = os.environ | {"PYTHONHASHSEED": "0", "LUMBAR_BENCH_FOLDER": folder}
        child = [sys.executable, "-m", "benchmarks.instructions", "--child", *sizes]
        done = subprocess.run([*command, *child], env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
        if done.returncode:
            raise SystemExit(done.stderr)
        texts = [path.read_text(encoding="utf-8") for path in sorted(Path(folder).glob("callgrind.out.*"))]
    figures: Figures = {}
    counted = dict(filter(None, map(_read, texts)))
    empty = counted.pop("empty")
    for label, instructions in counted.items():
        name, _, what = label.rpartition(" ")
        figures.setdefault(name, {})[what] = instructions - empty
    return figures


def _read(dump: str) -> tuple[str, int] | None:
    """Return what was counted, and how much of it, from a dump of callgrind; None of one that is not ours."""
    name, instructions = _TRIGGER.search(dump), _SUMMARY.search(dump)
    return (name[1], int(instructions[1])) if name and instructions else None


def ratio(figure: Mapping[str, float]) -> float:
    """Return what a hook call costs above one that does nothing, in units of `json.loads`."""
    return above(figure) / figure["json"]


def above(figure: Mapping[str, float]) -> float:
    """Return the instructions of a hook call above one that does nothing."""
    return figure["hook"] - figure["nothing"]


def check(found: Figures, committed: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each body whose call has grown by more than a tenth over what is committed.

    Compared are instructions themselves: those of `json.loads` vary by a tenth with where its objects come to lie.
    """
    return [
        f"{name}: {above(figure) / 1e6:.2f} M instructions, committed {above(before) / 1e6:.2f} M"
        for name, figure in found.items()
        if (before := committed["figures"].get(name)) and above(figure) > _GROWTH * above(before)
    ]


def _child(sizes: Iterable[str]) -> None:
    """Make the calls; runs under valgrind."""
    call = _application()
    bodies = {f"{kind} {size}": body(SIZES[size], ours=kind == "lumbar") for size in sizes for kind in KINDS}
    for sent in bodies.values():  # what is done once is none of a call's cost
        call(CALL, sent)
        call(NOTHING, sent)
    _settle()
    _counted("empty", lambda: None)
    for name, sent in bodies.items():
        _counted(f"{name} hook", partial(call, CALL, sent))
        _counted(f"{name} nothing", partial(call, NOTHING, sent))
        _counted(f"{name} json", partial(json.loads, sent.decode()))


def _application() -> Callable[[str, bytes], None]:
    """Return what makes one call of an application that keeps no records."""
    from benchmarks.served import add_nothing  # noqa: PLC0415 - only the child needs the service
    from cds_service.app import create_app  # noqa: PLC0415
    from cds_service.config.settings import load_settings  # noqa: PLC0415
    from cds_service.hooks.storage import Storage  # noqa: PLC0415
    from cds_service.observability.logs import configure_logging  # noqa: PLC0415

    folder = Path(os.environ["LUMBAR_BENCH_FOLDER"])
    settings = load_settings({}, profile="production", log_format="json", data_dir=folder)
    configure_logging(settings, io.StringIO())
    now = datetime.combine(TODAY, time(12), UTC)
    app = create_app(settings, clock=lambda: now, storage=Storage())
    add_nothing(app)

    def call(path: str, sent: bytes) -> None:
        said: list[str] = []
        environ = {
            "REQUEST_METHOD": "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(sent)),
            "HTTP_X_REQUEST_ID": "bench",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(sent),
            "wsgi.errors": sys.stderr,
        }
        answer = b"".join(app.wsgi_app(environ, lambda status, _headers, _error=None: said.append(status)))  # type: ignore[arg-type]
        if said[0] != "200 OK":
            raise SystemExit(answer.decode())

    return call


def _settle() -> None:
    from cds_service.server.memory import collect_rarely  # noqa: PLC0415 - only the child needs the service

    gc.collect()
    gc.freeze()
    collect_rarely()


def _counted(name: str, work: Callable[[], object]) -> None:
    work()
    gc.collect()
    _valgrind("instrumentation", "on")
    work()  # translates the code, which callgrind does on first use
    _valgrind("zero")
    work()
    _valgrind("dump", f"{_MARK} {name}")
    _valgrind("instrumentation", "off")


def _valgrind(*command: str) -> None:
    """Tell the valgrind around this process something."""
    done = subprocess.run(["vgdb", f"--pid={os.getpid()}", *command], capture_output=True, check=False)  # noqa: S603, S607 - valgrind's own tool
    if done.returncode:
        raise SystemExit(done.stderr.decode())


def committed() -> dict[str, Any]:
    """Return the figures that are compared with, and the Python that they are of."""
    found: dict[str, Any] = json.loads(COMMITTED.read_text(encoding="utf-8"))
    return found


def commit(figures: Figures) -> None:
    """Write the figures that are compared with from now on."""
    document = {"python": platform.python_version(), "figures": figures}
    COMMITTED.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def main() -> int:
    """Count, print, and compare or write; 1 when a call has grown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--check", action="store_true", help="compare the small bodies with the committed figures")
    parser.add_argument("--commit", action="store_true", help="write the figures that are compared with")
    arguments = parser.parse_args()
    if arguments.child:
        _child(arguments.child)
        return 0
    if not shutil.which("valgrind"):
        print("instructions are not counted: valgrind is not installed")
        return 0
    if arguments.check and committed()["python"].rpartition(".")[0] != platform.python_version().rpartition(".")[0]:
        print("instructions are not compared: the committed ones are of another Python")
        return 0
    figures = count(QUICK if arguments.check else ALL)
    for name, figure in figures.items():
        counted = ", ".join(f"{what} {number / 1e6:.2f} M" for what, number in figure.items())
        print(f"{name:<18} {ratio(figure):6.2f} x json.loads  ({counted})")
    if arguments.commit:
        commit(figures)
    grown = check(figures, committed()) if arguments.check else []
    for sentence in grown:
        print(f"dearer than before: {sentence}", file=sys.stderr)
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
