"""Run the fuzz targets for some seconds each, and print how often each was tried.

    python -m tests.fuzz.run [--seconds 60] [--bytes] [target …]

With `--bytes` examples are made of bytes at random, without a look at which were made before: two or three times as
many of texts in the same time, and fewer of documents.

A target that fails prints the smallest input that Hypothesis finds, and the command ends with exit status 1. An
execution that takes more than twenty seconds of the processor, or five minutes, is a failure as well, and so is memory
that grows by more than 200 MB.
"""

from __future__ import annotations

import argparse
import random
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from types import FrameType
from typing import Final

from hypothesis import HealthCheck, Phase, seed, settings

from tests.fuzz.targets import TARGETS

_CHUNK: Final = 500  # examples between two looks at the clock
_LENGTHS: Final = (50, 200, 800, 3000)  # of the bytes that an example is made of
_HANGS: Final = 20  # seconds of the processor, which a busy machine does not change
_WAITS: Final = 300  # seconds
_GROWTH: Final = 200 * 1024  # kB
# Takes its time and looks everywhere.
_TIRELESS: Final = settings(
    max_examples=_CHUNK,
    database=None,
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


def main() -> int:
    """Run, print a line for each target, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--bytes", action="store_true", help="quicker for texts; a failure is not made small")
    parser.add_argument("target", nargs="*", choices=[*TARGETS, []], default=[])
    options = parser.parse_args()
    signal.signal(signal.SIGALRM, _hang)
    signal.signal(signal.SIGPROF, _hang)
    failed, total = False, 0
    print(f"{'target':<16}{'executions':>12}{'seconds':>9}{'memory':>12}")
    for name in options.target or TARGETS:
        count, seconds, grown, problem = _run(TARGETS[name], options.seconds, plainly=options.bytes)
        total += count
        if grown > _GROWTH:
            problem = problem or "memory grew"
        print(f"{name:<16}{count:>12,}{seconds:>9.0f}{grown / 1024:>+9.0f} MB", flush=True)
        if problem:
            failed = True
            print(problem, flush=True)
    print(f"{'all':<16}{total:>12,}")
    return int(failed)


def _run(target: Callable[[], None], seconds: float, *, plainly: bool) -> tuple[int, float, int, str]:
    """Return executions, seconds, growth of memory in kB after the first chunk, and what went wrong."""
    inner = target.hypothesis.inner_test  # type: ignore[attr-defined] # Hypothesis offers it to other runners
    count = 0

    def counted(*arguments: object, **named: object) -> None:
        nonlocal count
        count += 1
        _watch(_HANGS, _WAITS)
        inner(*arguments, **named)

    target.hypothesis.inner_test = counted  # type: ignore[attr-defined] # as above
    tireless = _TIRELESS(target)
    started, problem, base = time.monotonic(), "", 0
    try:
        while time.monotonic() - started < seconds:
            if plainly:
                _from_bytes(target)
            else:
                seed(random.getrandbits(64))(tireless)()
            base = base or _memory()
    except Exception:  # noqa: BLE001 - whatever it is, it is what was looked for
        problem = traceback.format_exc()
    finally:
        _watch(0, 0)
        target.hypothesis.inner_test = inner  # type: ignore[attr-defined] # as above
    return count, time.monotonic() - started, _memory() - (base or _memory()), problem


def _from_bytes(target: Callable[[], None]) -> None:
    """Run a chunk of examples made of bytes at random; a failure names its bytes."""
    try_one = target.hypothesis.fuzz_one_input  # type: ignore[attr-defined] # as above
    for _ in range(_CHUNK):
        data = random.randbytes(random.choice(_LENGTHS))  # noqa: S311 - no secret
        try:
            try_one(data)
        except Exception as error:
            error.add_note(f"of the bytes {data.hex()}")
            raise


def _memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _watch(processor: int, waiting: int) -> None:
    """End what takes longer from now on; zero ends nothing any more."""
    signal.setitimer(signal.ITIMER_PROF, processor)
    signal.alarm(waiting)


def _hang(_signal: int, _frame: FrameType | None) -> None:
    raise TimeoutError


if __name__ == "__main__":
    sys.exit(main())
