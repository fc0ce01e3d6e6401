"""The Spark replay on this machine, into the same folder with the same files as the local engine's."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec

from cds_service.replay.assessing import Scope
from cds_service.replay.export.files import find_export
from cds_service.replay.local.plan import Work, alone, begin, fingerprint, write_whole
from cds_service.replay.local.scratch import whole_file
from cds_service.replay.pseudonyms import kept_key
from cds_service.replay.spark.engine import Options, replay
from cds_service.replay.spark.session import local_session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cds_service.replay.setup import ReplaySetup


@dataclass(frozen=True, slots=True)
class Machine:
    """What of this machine may be used: processes, and bytes for Java; Python comes on top."""

    processes: int
    memory: int


def replay_here(  # noqa: PLR0913 - what is read, into what, how, and with what
    folders: Sequence[Path], out: Path, setup: ReplaySetup, options: Options, machine: Machine, *, identify: bool
) -> dict[str, Any]:
    """Replay an export into a folder; return the summary. What was ended before its end is begun anew.

    SettingsError where the export, the folder or the settings cannot be used, or Java is missing.
    """
    work = Work(out)
    export = find_export(folders, without=[out])
    chosen = replace(setup, key=None if identify else b"", scope=Scope(since=options.since))
    described = fingerprint(export, chosen, options.told)
    begin(work, described)
    with alone(work):
        if work.summary.exists():
            found: dict[str, Any] = msgspec.json.decode(work.summary.read_bytes())
            return found
        key = None if identify else kept_key(out)
        rejects = out / "rejects"
        for left in (work.rows, rejects, work.folder):
            shutil.rmtree(left, ignore_errors=True)
        work.folder.mkdir()
        spark = local_session(machine.processes, machine.memory, work.folder)
        try:
            sources = [str(folder.resolve()) for folder in folders]
            summary = replay(spark, sources, str(out.resolve()), replace(setup, key=key), options)
        finally:
            spark.stop()
        with whole_file(work.rejects) as draft, draft.open("wb") as stream:
            for part in sorted(rejects.glob("part-*")):
                stream.write(part.read_bytes())
        shutil.rmtree(rejects)
        shutil.rmtree(work.folder, ignore_errors=True)
        summary["replay"] = described
        write_whole(work.summary, msgspec.json.format(msgspec.json.encode(summary), indent=2))
        return summary
