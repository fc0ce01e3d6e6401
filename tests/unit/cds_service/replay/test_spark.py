"""The replay on Spark finds what the replay on one machine finds, row for row and reject for reject.

Run by `make spark`; left out where Spark or Java is missing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest

from cds_service.replay.pseudonyms import KEY_FILE
from cds_service.replay.rows import schema
from cds_service.replay.synthetic.population import Population
from cds_service.replay.synthetic.writing import MANIFEST, write_population
from tests.unit.cds_service.replay.past import PATIENT_RESOURCE, condition, past_order

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("spark"),
    pytest.mark.skipif(find_spec("pyspark") is None or shutil.which("java") is None, reason="needs Spark and Java"),
]

JOB = Path(__file__).parents[4] / "cds_service" / "replay" / "spark" / "job.py"
BROKEN = (b'{"resourceType": "Condition", "id": ', b"", b"[]", b'{"resourceType": "Condition", "id": "\xff"}')


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A population with all that an export may hold: a giant chart, Bundles, deletions, broken lines, shared drugs."""
    folder = tmp_path_factory.mktemp("export")
    write_population(Population(130, seed=5, orders_share=0.9, giant=5_000), folder, packed=True)
    drug = {"resourceType": "Medication", "id": "m-1", "code": {"text": "Ibuprofen"}}
    taken = {
        "resourceType": "MedicationRequest",
        "id": "taken",
        "status": "active",
        "intent": "order",
        "subject": {"reference": f"Patient/{PATIENT_RESOURCE['id']}"},
        "medicationReference": {"reference": "Medication/m-1"},
        "authoredOn": "2026-05-01",
    }
    entries = [{"resource": one} for one in (PATIENT_RESOURCE, past_order(1), taken)]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    (folder / "bundle.json").write_text(json.dumps(bundle, indent=2), encoding="utf-8")
    lines = (condition(), condition(id="gone", recordedDate="2026-05-02"), drug, condition(id="lost", subject={}))
    text = b"\r\n".join([json.dumps(lines[0]).encode(), *BROKEN, *(json.dumps(one).encode() for one in lines[1:])])
    (folder / "Condition.more.ndjson").write_bytes(text)
    deletion = {"request": {"method": "DELETE", "url": "Condition/gone"}}
    gone = {"resourceType": "Bundle", "type": "transaction", "entry": [deletion]}
    (folder / "gone.ndjson").write_text(json.dumps(gone), encoding="utf-8")
    manifest = json.loads((folder / MANIFEST).read_bytes())
    manifest["deleted"] = [{"type": "Bundle", "url": "https://fhir.example.org/bulk/gone.ndjson"}]
    manifest["output"].append({"type": "Patient", "url": "https://fhir.example.org/bulk/never-sent.ndjson"})
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def run(*arguments: str | Path) -> None:
    """Run a command of this Python."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LUMBAR_CDS_")}
    done = subprocess.run(
        [sys.executable, *map(str, arguments)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4_000:]


def rows(out: Path) -> list[dict[str, Any]]:
    """Return the rows of a result without how long they took, in an order of their own."""
    table = ds.dataset(out / "rows", format="parquet").to_table()
    assert table.schema.names == schema().names
    assert table.schema.types == schema().types
    found = table.drop_columns(["microseconds"]).to_pylist()
    return sorted(found, key=lambda row: (row["order"], row["day"]))


def rejects(text: str) -> list[tuple[str, int, str]]:
    """Return what could not be read, by place."""
    return sorted((one["file"], one["line"], one["reason"]) for one in map(json.loads, text.splitlines()))


def test_command_finds_the_same_on_either_engine(export: Path, tmp_path: Path) -> None:
    """Rows, rejects and summary are those of the local engine, with identifiers hashed by the same key."""
    local, spark = tmp_path / "local", tmp_path / "spark"
    run("-m", "cds_service", "replay", export, "--out", local, "--processes", "1")
    spark.mkdir()
    shutil.copy(local / KEY_FILE, spark / KEY_FILE)
    run("-m", "cds_service", "replay", export, "--out", spark, "--processes", "2", "--engine", "spark")
    assert rows(spark) == rows(local)
    assert len(rows(local)) > 110
    found = rejects((spark / "rejects.ndjson").read_text(encoding="utf-8"))
    assert found == rejects((local / "rejects.ndjson").read_text(encoding="utf-8"))
    assert [(line, reason) for _, line, reason in found] == [
        (2, "not-json"),
        (4, "no-resource"),
        (5, "not-utf-8"),
        (8, "no-patient"),
    ]
    told = [json.loads((out / "summary.json").read_bytes()) for out in (local, spark)]
    assert {name for name in told[0] if told[0][name] != told[1][name]} == {"replay"}
    assert told[1]["deleted"] == 1
    assert (spark / "report.html").exists()


def test_job_finds_the_same_as_the_command(export: Path, tmp_path: Path) -> None:
    """Submitted by itself, with fewer patients and another question, it writes the same rows to where it was told."""
    local, out = tmp_path / "local", tmp_path / "job"
    asked = ("--what-if", "--sample", "20", "--since", "2025-06-01", "--identify")
    run("-m", "cds_service", "replay", export, "--out", local, "--processes", "1", *asked)
    run(JOB, export, "--out", out, *asked)
    assert rows(out) == rows(local)
    assert rows(local)
    (summary,) = (out / "summary").glob("part-*")
    assert json.loads(summary.read_bytes())["replayed"] == "what-if"
    assert not any(file.stat().st_mode & 0o077 for file in out.rglob("*"))
