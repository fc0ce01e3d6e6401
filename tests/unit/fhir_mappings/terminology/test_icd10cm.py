"""ICD-10-CM, whole: every code of the release is a concept, asks, is set aside or asks for safety."""

from __future__ import annotations

import re
from collections import Counter
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path
from typing import get_args

import pytest

from fhir_mappings.terminology.code_systems import ICD_10_CM
from fhir_mappings.terminology.icd10cm import Label, Span, category_label, classify, expanded, load_table
from tests.unit.fhir_mappings.records import index

_CODE = re.compile(r"\S+")
# Read as data: importing the package takes a second and warns.
RELEASE = Path(str(distribution("simple-icd-10-cm").locate_file("simple_icd_10_cm/data/code-list-April-2026.txt")))
CODES = [code for code in _CODE.findall(RELEASE.read_text(encoding="utf-8")) if re.match(r"[A-Z]\w\w(?!-)", code)]

ASK = _CODE.findall("""
    A18.01 A52.11 B00.82 B01.12 B37.81 B97.33 C61 D16.6 D33.4 D46.9 D47.2 D57.1 D60.9 D63.0 D72.825 D86.85 D89.9
    E83.52 F11.90 G00.9 G06.2 G12.21 G35 G54.4 G57.00 G61.0 G62.9 G71.01 G81.90 G83.0 G89.3 G95.0 I38 I71.40
    I72.3 I74.01 I82.3 J86.9 K25.1 K35.80 K57.20 K65.1 K85.9 L02.212 L89.153 M00.9 M32.9 M47.16 M48.8X6 M50.00
    M60.08 M84.50XA M86.9 M89.9 M96.5 N10 N13.6 N20.1 N23 Q05.7 Q06.8 Q76.49 Q78.0 R10.0 R20.9 R26.9 R29.898
    R39.11 R50.81 R61 R65.20 R68.83 R70.0 R79.82 R93.7 R97.20 S12.9XXA S22.41XA S36.00XA T81.49XA T84.63XA
    V43.52XA W10.9XXA Z51.11 Z79.810
    D64.81 D73.3 E34.00 E88.3 G32.0 I25.750 I26.90 I76 I77.6 I77.72 I77.82 I79.0 J39.0 J4A.0 J65 J91.0 K50.914
    K75.0 L40.53 M05.20 M35.07 M43.3 M48.04 M62.3 N13.2 N41.2 N80.D2 Q07.01 Q25.43 Q67.5 Q77.4 Q79.63 Q85.01 Q85.83
    Q87.40 R10.A1 R18.0 R29.6 R39.851 R53.0 R53.2 R75 R83.5 S35.00XA T80.211A T82.7XXA Z08 Z19.1 Z48.22 Z48.3 Z51.5
    Z51.A Z71.51 Z92.21 Z92.3
""")
ASIDE = _CODE.findall("""
    A09 B02.9 B18.2 B34.9 B35.1 B37.0 C44.91 D04.9 D17.1 D25.9 D50.9 D64.9 D69.6 E03.9 E11.9 E11.42 E55.9 E66.9
    E78.5 F17.210 F32.9 F41.1 G43.909 G47.33 G56.01 G89.29 G93.32 H25.9 H66.90 I10 I25.10 I48.91 I83.90 J06.9
    J18.9 J30.9 J44.9 J45.909 K21.9 K57.30 K58.9 K59.00 L40.9 L70.0 M10.9 M17.11 M19.90 M25.551 M25.511 M47.812
    M48.02 M50.30 M54.2 M54.6 M75.100 M79.7 M79.18 M85.80 N18.30 N39.0 N40.1 N52.9 N95.1 O80 Q21.0 R05.9 R07.9
    R10.9 R11.0 R42 R51.9 R53.83 R73.03 S61.419A S83.90XA T78.40XA Y92.009 Z00.00 Z12.31 Z23 Z68.30 Z79.4
    Z79.899 Z83.3 Z87.891 Z96.1 Z98.890
    C44.311 E16.2 F10.20 F13.10 F99 G45.9 I73.9 I77.1 K50.90 K51.90 M05.79 M35.00 M48.00 N13.30 N99.111
    Q85.81 Q66.50 R10.84 R53.81 R76.11 T82.858A Z18.2 Z18.81 Z45.2 Z45.82 Z46.6 Z47.1 Z48.02 Z51.81 Z71.3 Z92.22
""")
SAFETY = _CODE.findall("""
    H44.702 S05.51XA T82.111A T82.510A Z18.9 Z45.010 Z45.09 Z45.321 Z45.41 Z45.811 Z95.1 Z95.9 Z96.5 Z96.0
""")


def known(code: str) -> bool:
    """Whether a value set knows a code."""
    return bool(index().concepts_of(ICD_10_CM, code))


def test_every_code_of_the_release_has_its_end() -> None:
    """No code of 46,881 falls through: none is unknown to the table, and none is left without a label."""
    ends = Counter[str]()
    for code in CODES:
        label = classify(code)
        assert label is not None, code
        assert "not in the release" not in label.reason, code
        ends["concept" if known(code) else label.label] += 1
    assert sum(ends.values()) == len(CODES) >= 46_881
    assert min(ends[name] for name in ("concept", *get_args(Label))) > 0


def test_every_row_decides_for_some_code() -> None:
    """A row that no code reaches is a slip of the pen."""
    plain = [code.replace(".", "") for code in CODES]
    categories = {code[:3] for code in plain}
    table = load_table()
    reached = {next((code[:size] for size in range(len(code), 2, -1) if code[:size] in table), "") for code in plain}
    written = {root for root in table if len(root) > 3 or root in categories}
    assert written - reached == set()


def test_no_code_stands_in_two_rows() -> None:
    """Whoever reviews a row sees all that it decides: no later row takes a code away from it."""
    table = (files("fhir_mappings.terminology") / "icd10cm.tsv").read_text(encoding="utf-8")
    rows = [line.partition("\t")[0] for line in table.splitlines() if line and not line.startswith("#")]
    written = Counter(root for codes in rows for root in expanded(codes))
    assert [root for root, times in written.items() if times > 1] == []


def test_rows_use_the_words_of_the_module() -> None:
    """Labels and spans are those that the ledger knows, and only what asks has a span."""
    for root, row in load_table().items():
        assert row.label in get_args(Label), root
        assert row.span in get_args(Span), root
        assert bool(row.span) is (row.label != "aside"), root
        assert row.reason, root


@pytest.mark.parametrize("code", ASK)
def test_what_may_be_behind_the_pain_asks(code: str) -> None:
    """A diagnosis that may explain back pain, or be a red flag, is asked about or known."""
    label = classify(code)
    assert label is not None
    assert label.label == "ask" or known(code)


@pytest.mark.parametrize("code", ASIDE)
def test_an_ordinary_problem_list_asks_nothing(code: str) -> None:
    """What nearly everybody has on a list is no reason for a question."""
    label = classify(code)
    assert label is not None
    assert label.label == "aside"


@pytest.mark.parametrize("code", SAFETY)
def test_an_implant_asks_for_safety_only(code: str) -> None:
    """A status code of an implant never bears on whether the scan is due."""
    label = classify(code)
    assert label is not None
    assert label.label == "safety"


@pytest.mark.parametrize(
    ("written", "code"),
    [("g062", "G06.2"), ("G06.2 - Extradural abscess", "G06.2"), (" S22.41XA ", "S22.41"), ("S2241XA", "S22.41")],
)
def test_codes_are_read_as_they_are_written(written: str, code: str) -> None:
    """Without a dot, in small letters, with a seventh character or with text behind it, a code is the same code."""
    assert classify(written) == classify(code)


@pytest.mark.parametrize("code", ["U99.9", "Z3X", "QB1.0"])
def test_a_code_that_is_not_in_the_release_asks(code: str) -> None:
    """A new release may bring what nobody here has seen."""
    label = classify(code)
    assert label is not None
    assert (label.label, label.reason) == ("ask", "not in the release known here")


@pytest.mark.parametrize("code", ["", "123", "724.2", "CAUDA", "G8", "G83.4.1", "G83412345"])
def test_what_is_no_code_has_no_label(code: str) -> None:
    """What is not shaped like ICD-10-CM is judged by its words."""
    assert classify(code) is None


@pytest.mark.parametrize(
    ("code", "label"),
    [
        ("I10", "aside"),
        ("I10.00", "aside"),
        ("G06.2", "ask"),
        ("J45.99", "aside"),
        ("G54.99", None),
        ("E14.9", "aside"),
        ("M82.1", None),
    ],
)
def test_other_editions_share_categories_and_short_codes(code: str, label: str | None) -> None:
    """A longer national code is known only where its whole category means one thing."""
    found = category_label(code)
    assert (found.label if found else None) == label
