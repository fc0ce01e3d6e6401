"""Synthetic populations: always the same, as a bulk export is, and answered as is known beforehand."""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter
from itertools import chain
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from cds_service.cli.main import main
from cds_service.config.settings import load_settings
from cds_service.hooks.setup import bundled_index
from cds_service.replay.export.files import find_export
from cds_service.replay.rows import OrderRow
from cds_service.replay.setup import ReplaySetup
from cds_service.replay.synthetic import writing
from cds_service.replay.synthetic.charts import Chart
from cds_service.replay.synthetic.population import Population
from cds_service.replay.synthetic.situations import SYSTEMS, Code, Fact, Situation, load_situations
from cds_service.replay.synthetic.writing import write_population

DECK = sum(situation.weight for situation in load_situations())


def contents(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def lines_of(chart: Chart) -> list[bytes]:
    """Return a chart as the lines of an export."""
    return [msgspec.json.encode(record) for record in chain.from_iterable(chart.records.values())]


def events(row: OrderRow) -> set[str]:
    """Return what came after an order, as the table of situations writes it."""
    return {f"{event.kind} {event.days}" for event in row.later}


def test_every_situation_is_answered_as_is_known() -> None:
    """In any chart around it a planted order has its outcome, its messages, and what came after it."""
    assessor = ReplaySetup(load_settings({}, profile="production")).assessor()
    seen: set[str] = set()
    for number in range(DECK):
        chart, expected = Population(DECK, seed=7, orders_share=1.0).chart(number)
        assert expected
        known: Situation = expected.situation
        if known.name in seen:
            continue
        seen.add(known.name)
        found = assessor.patient(chart.id, lines_of(chart), {})
        if known.left_out:
            assert found.rows == ()
            assert found.left_out == {known.left_out: 1}
            continue
        (row,) = found.rows
        assert (known.name, row.order, row.day) == (known.name, expected.order, expected.day)
        assert (known.name, row.outcome, row.messages[0]) == (known.name, known.outcome, known.messages[0])
        assert set(known.messages) <= set(row.messages), known.name
        assert events(row) == set(known.events), known.name
    assert seen == {situation.name for situation in load_situations()}


def test_codes_of_situations_are_those_of_the_value_sets() -> None:
    """No code stands in the table that the guideline does not know."""
    index = bundled_index()
    for situation in load_situations():
        coded: list[Code | Fact] = [situation.order, *([situation.reason] if situation.reason else [])]
        names = [one.code for one in (*coded, *situation.facts, *situation.later)]
        safety = [fact.safety for fact in situation.facts if fact.safety]
        for system, _, code in (name.partition(" ") for name in (*names, *safety)):
            assert index.concepts_of(SYSTEMS[system], code), f"{situation.name}: {system} {code}"


def test_same_options_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many processes write it; another seed gives other patients."""
    monkeypatch.setattr(writing, "PIECE", 20)
    for name, seed in (("one", 3), ("same", 3), ("other", 4)):
        write_population(Population(50, seed, 0.2), tmp_path / name, packed=True)
    assert contents(tmp_path / "one") == contents(tmp_path / "same")
    assert contents(tmp_path / "one") != contents(tmp_path / "other")


def test_population_is_laid_out_as_a_bulk_export(tmp_path: Path) -> None:
    """Files a type that a manifest names and counts; the answers are no part of it, and nothing says who has one."""
    result = CliRunner().invoke(
        main, ["replay-data", "--patients", "40", "--orders-share", "0.5", "--out", str(tmp_path), "--processes", "1"]
    )
    assert result.exit_code == 0, result.output
    manifest = json.loads((tmp_path / "manifest.json").read_bytes())
    for output in manifest["output"]:
        lines = gzip.decompress((tmp_path / output["url"].rpartition("/")[2]).read_bytes()).splitlines()
        assert len(lines) == output["count"]
        assert {json.loads(line)["resourceType"] for line in lines} == {output["type"]}
        assert b"acute-pain" not in b"".join(lines)
    export = find_export([tmp_path])
    assert len(export.files) == len(manifest["output"])
    assert export.ignored == (f"{tmp_path.name}/expected.csv",)
    expected = list(csv.DictReader((tmp_path / "expected.csv").read_text(encoding="utf-8").splitlines()))
    assert len(expected) == 20
    assert CliRunner().invoke(main, ["replay-data", "--patients", "1", "--out", str(tmp_path)]).exit_code == 1


def test_giant_chart_comes_in_pieces(tmp_path: Path) -> None:
    """One more patient has as many resources as were asked for, and never are all of them held."""
    pieces = [chart.count for chart, _ in Population(3, giant=9_000).giant_chart()]
    assert max(pieces) <= 2_000
    written = write_population(Population(3, giant=9_000, orders_share=0), tmp_path)
    counts = Counter[str]()
    for name, count in written.files.items():
        if ".0002." in name:
            counts[name.partition(".")[0]] += count
    assert counts.total() == 9_000
    assert counts["Patient"] == counts["ServiceRequest"] == 1
