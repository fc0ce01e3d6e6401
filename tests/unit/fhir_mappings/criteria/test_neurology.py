"""Cauda equina, weakness, deficits at several places, cord compression: what fires, what asks, what is history."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.fhir_mappings.records import (
    CAUDA_EQUINA,
    FOOT_DROP,
    PAIN,
    Resource,
    ago,
    coded,
    condition,
    encounter,
    finding,
    mri,
    observation,
    quantity,
    status,
    verdict,
)

RETENTION, STOOL, SADDLE, NUMB = "icd:R33.9", "icd:R15.9", "sct:449813001", "icd:R20.0"
WEAK, RESIDUAL = "icd:R53.1", "loinc:69388-7"
MET, NOT_MET, UNKNOWN = "MET", "NOT_MET", "UNKNOWN"
CHANGED = (UNKNOWN, ("ces_changed",))
FIRES = (MET, ())
HISTORY = (NOT_MET, ())


@pytest.mark.parametrize("code", [CAUDA_EQUINA, "icd:S34.3XXA", RETENTION, STOOL, "icd:N31.9", SADDLE, "icd:R32"])
@pytest.mark.parametrize("where", ["problem", "visit", "finding", "reason"])
def test_each_sign_of_cauda_equina_fires_wherever_it_stands(code: str, where: str) -> None:
    """A bladder, bowel or saddle sign is enough, without any record of back pain."""
    found = {
        "problem": lambda: finding("R-CES", condition(code)),
        "visit": lambda: finding("R-CES", encounter(code)),
        "finding": lambda: finding("R-CES", observation(code)),
        "reason": lambda: finding("R-CES", order=mri(reasons=[code])),
    }[where]()
    assert found.met
    assert ("possible" in found.tags) is (code == "icd:R32")


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (condition(CAUDA_EQUINA, 90), FIRES),
        (condition(CAUDA_EQUINA, 91), CHANGED),
        (condition(CAUDA_EQUINA, None), FIRES),
        (condition(CAUDA_EQUINA, "2026-03"), FIRES),  # may lie within the window
        (condition(CAUDA_EQUINA, "2026-02"), CHANGED),
        (condition(CAUDA_EQUINA, 10, None), FIRES),
        (condition(CAUDA_EQUINA, 10, "relapse"), FIRES),
        (condition(CAUDA_EQUINA, 10, verification="differential"), FIRES),
        (condition(CAUDA_EQUINA, 10, verification="refuted"), HISTORY),
        (condition(CAUDA_EQUINA, 10, verification="entered-in-error"), HISTORY),
        (condition(CAUDA_EQUINA, 300, "resolved", abatementDateTime=ago(90)), CHANGED),
        (condition(CAUDA_EQUINA, 300, "resolved", abatementDateTime=ago(91)), HISTORY),
        (condition(CAUDA_EQUINA, 300, "resolved"), HISTORY),
        (condition(CAUDA_EQUINA, None, "resolved"), CHANGED),
        (encounter(CAUDA_EQUINA, 91), HISTORY),
        (observation(CAUDA_EQUINA, 91), HISTORY),
        (observation(SADDLE, 1, valueBoolean=False), HISTORY),
        (observation(SADDLE, 1, valueCodeableConcept=coded("sct:373068000")), (UNKNOWN, ("ces",))),
        (observation(SADDLE, 1, dataAbsentReason=status("not-asked")), (UNKNOWN, ("ces",))),
        (observation(RESIDUAL, 1, dataAbsentReason=status("unknown")), (UNKNOWN, ("ces",))),
        (condition("icd:N39.3"), HISTORY),
    ],
)
def test_window_and_status_of_cauda_equina(resource: Resource, expected: tuple[str, tuple[str, ...]]) -> None:
    """New or undated fires, old but open and lately resolved ask, long resolved is history."""
    assert verdict("R-CES", resource) == expected


def test_other_bladder_cause_is_noted() -> None:
    """Stress incontinence never fires alone, but is asked about."""
    assert finding("R-CES", condition("icd:N39.3")).tags == {"bladder_other_cause"}


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (condition(NUMB), (UNKNOWN, ("numbness_site",))),
        (condition(coded(NUMB) | {"text": "Numbness of the saddle area"}, resource_id="n"), FIRES),
        (condition(NUMB, bodySite=[{"text": "Perineum"}]), FIRES),
        (observation(NUMB, bodySite={"coding": [{"display": "Genital structure"}]}), FIRES),
        (condition(coded("sct:309537005", text="Numbness of lower limb"), resource_id="n"), HISTORY),
        (condition(NUMB, 91), HISTORY),
        (condition(NUMB, 10, "resolved"), HISTORY),
    ],
)
def test_numbness_needs_a_place(resource: Resource, expected: tuple[str, tuple[str, ...]]) -> None:
    """Numbness in the saddle area is an emergency, of the leg it is not, without a place it is asked about."""
    assert verdict("R-CES", resource) == expected


@pytest.mark.parametrize(
    ("value", "day", "expected"),
    [
        (quantity(201, "mL"), 7, FIRES),
        (quantity(200, "mL"), 7, HISTORY),
        (quantity(450, "mL"), 8, CHANGED),
        (quantity(450, "mL"), 90, CHANGED),
        (quantity(450, "mL"), 91, HISTORY),
        (quantity(450), 1, FIRES),
        (quantity(0.45, "L"), 1, FIRES),
        (quantity(450, "mL"), None, FIRES),
        (quantity(200, "mL", comparator=">"), 1, FIRES),
        (quantity(50, "mL"), 1, HISTORY),
        ("450 mL", 1, FIRES),
        ("0.45 L", 1, FIRES),
        (">200 mL", 1, FIRES),
        ("<50 mL", 1, HISTORY),
        (450, 1, FIRES),
        ("1,200 mL", 1, FIRES),
    ],
)
def test_post_void_residual(
    value: Resource | str | int, day: int | None, expected: tuple[str, tuple[str, ...]]
) -> None:
    """More than 200 mL fires for a week and asks for the rest of the window."""
    name = {str: "valueString", int: "valueInteger"}.get(type(value), "valueQuantity")
    assert verdict("R-CES", observation(RESIDUAL, day) | {name: value}) == expected


def test_low_residual_never_lowers_the_level() -> None:
    """Half of the proven cases had a residual of 200 mL or less."""
    low = observation(RESIDUAL, 0, valueQuantity=quantity(50, "mL"))
    assert finding("R-CES", condition(SADDLE), low).met


def test_residual_in_a_panel_counts() -> None:
    """A bladder scan reported as a part of a panel is a bladder scan."""
    part = {"code": coded(RESIDUAL), "valueQuantity": quantity(450, "mL")}
    assert finding("R-CES", observation({"text": "Bladder scan"}, component=[part])).met


def test_residual_without_a_number_is_nothing() -> None:
    """A bladder scan that has only been ordered proves nothing in either direction."""
    assert verdict("R-CES", observation(RESIDUAL, valueString="see report")) in (HISTORY, (UNKNOWN, ("ces",)))


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (condition(FOOT_DROP, 90), FIRES),
        (condition(FOOT_DROP, 91), (UNKNOWN, ("motor_changed",))),
        (condition(FOOT_DROP, None), FIRES),
        (condition("icd:M21.371"), FIRES),
        (condition(WEAK), (UNKNOWN, ("power",))),
        (condition(WEAK, 91), HISTORY),
        (condition(WEAK, 10, "resolved"), HISTORY),
        (observation(WEAK, 1, valueQuantity=quantity(5)), HISTORY),
        (observation(WEAK, 1, valueInteger=5), HISTORY),
        (observation(WEAK, 1, valueQuantity=quantity(4)), (UNKNOWN, ("power",))),
        (observation(FOOT_DROP, 1, valueQuantity=quantity(5)), HISTORY),
        (observation(FOOT_DROP, 1, valueQuantity=quantity(3)), FIRES),
        (observation(WEAK, 1, dataAbsentReason=status("unknown")), (UNKNOWN, ("power",))),
    ],
)
def test_weakness(resource: Resource, expected: tuple[str, tuple[str, ...]]) -> None:
    """New leg weakness fires; old, or of a limb that is not stated, asks; normal power is none."""
    assert verdict("R-MOTOR", resource) == expected


def power(grade: int, day: int | str, muscle: str = "right ankle dorsiflexion") -> Resource:
    """Return a measurement of power."""
    code = coded(WEAK, text=muscle)
    return observation(code, day, f"power-{muscle.split(maxsplit=1)[0]}-{day}", valueQuantity=quantity(grade))


@pytest.mark.parametrize(
    ("measured", "fires"),
    [
        ([power(4, 6), power(3, 1)], True),
        ([power(5, 6), power(3, 1)], True),
        ([power(5, 400), power(4, 1)], True),
        ([power(3, 6), power(4, 1)], False),
        ([power(4, 6), power(4, 1)], False),
        ([power(4, 6, "left ankle"), power(3, 1)], False),
        ([power(5, 200), power(3, 91)], False),
        ([power(5, "2026-05"), power(3, 1)], False),
        ([power(3, 1)], False),
    ],
)
def test_falling_power_is_progressive(measured: list[Resource], fires: bool) -> None:
    """A muscle that lost a grade within the window is a progressive deficit; two muscles are not compared."""
    found = finding("R-MOTOR", *measured)
    assert found.met is fires
    assert any("progressive" in item.notes for item in found.evidence) is fires


@pytest.mark.parametrize(
    ("resources", "tags"),
    [
        ([condition(FOOT_DROP)], set()),
        ([condition("icd:G82.20")], {"bilateral"}),
        ([condition(coded(FOOT_DROP, text="Bilateral foot drop"), resource_id="b")], {"bilateral"}),
        ([condition("icd:M21.371"), condition("icd:M21.372")], {"bilateral"}),
        (
            [
                condition(coded(FOOT_DROP, text="Foot drop, left"), resource_id="l"),
                condition(coded(FOOT_DROP, text="Foot drop, right"), resource_id="r"),
            ],
            {"bilateral"},
        ),
        (
            [
                condition(coded(FOOT_DROP, text="L4 weakness"), resource_id="4"),
                condition(coded("sct:309249007", text="S1 weakness"), resource_id="1"),
            ],
            {"levels"},
        ),
        ([condition(FOOT_DROP), condition("icd:R29.2")], {"motor_and_other"}),
        ([condition(FOOT_DROP), condition("icd:R29.2", 91)], set()),
        ([condition(FOOT_DROP, 91), condition("icd:R29.2")], set()),
        ([condition("icd:R29.2")], set()),
    ],
)
def test_deficits_at_several_places(resources: list[Resource], tags: set[str]) -> None:
    """Both legs, two root levels, or weakness with another sign are more than one deficit."""
    found = finding("R-MULTI", *resources)
    assert (found.met, set(found.tags)) == (bool(tags), tags)


def noted(text: str) -> Resource:
    """Return an order with a note of its day."""
    return mri(note=[{"text": text}])


@pytest.mark.parametrize(
    ("note", "both"),
    [
        ("bilateral leg weakness", True),
        ("bilat LE weakness x 3 days", True),
        ("b/l LE weakness, acute", True),
        ("BLE weak x 2d", True),
        ("weak legs since yesterday", True),
        ("LLE and RLE weakness", True),
        ("leg weakness R>L", True),
        ("EHL 2/5 b/l", True),
        ("R EHL 2/5, L EHL 1/5", True),
        ("bilateral leg pain and weakness", True),
        ("LE weakness", False),
        ("R leg weakness", False),
        ("L EHL 2/5, L ankle DF 3/5", False),
        ("left leg pain and weakness", False),
        ("right leg pain, left foot drop", False),
        ("bilateral leg pain with left leg weakness", False),
        ("pain in both legs, left foot drop", False),
        ("numbness left leg, right foot drop", False),
    ],
)
def test_both_legs_are_told_in_short(note: str, both: bool) -> None:
    """Weakness of both legs is read however it is abbreviated; the side of a pain beside it is not its side."""
    found = finding("R-MULTI", order=noted(note))
    assert ("bilateral" in found.tags) is both
    assert finding("R-MOTOR", order=noted(note)).met


@pytest.mark.parametrize(
    ("note", "asks", "emergency"),
    [
        ("bilateral sciatica", True, False),
        ("bilat radic", True, False),
        ("b/l LE pain", True, False),
        ("BLE pain", True, False),
        ("bilateral leg pain and numbness", True, False),
        ("both legs numb", True, False),
        ("bilateral leg numbness", True, False),
        ("numbness in both feet", True, False),
        ("no numbness in both legs", False, False),
        ("numbness in both hands", False, False),
        ("bilateral sciatica, sexual function normal", True, False),
        ("bilateral sciatica, no bladder changes", True, False),
        ("bilateral sciatica, bladder changes", True, True),
        ("erectile dysfunction, bilateral sciatica", True, True),
        ("erectile dysfunction new, bilateral sciatica", True, True),
        ("hx of erectile dysfunction. Bilateral sciatica", True, False),
        ("return if bilateral leg pain", False, False),
        ("erectile dysfunction", False, False),
        ("left leg pain and numbness", False, False),
    ],
)
def test_words_beside_pain_in_both_legs(note: str, asks: bool, emergency: bool) -> None:
    """Pain in both legs asks; words of bladder, bowel, saddle or sex beside it fire, numbness without a place does not.

    What it rests on is quoted.
    """
    found = finding("R-BILAT", order=noted(note))
    assert bool(found.questions) is asks
    assert all(item.quote for item in found.evidence)
    assert finding("R-CES", order=noted(note)).met is emergency


@pytest.mark.parametrize(
    ("record", "asks"),
    [
        (condition(coded(text="Bilateral sciatica")), True),
        (condition(coded(text="Lumbar radiculopathy, bilateral"), None), True),
        (condition(coded(PAIN, text="Low back pain with pain in both legs")), True),
        (encounter(None, reasonCode=[coded(text="Sciatica both legs")]), True),
        (condition(coded(text="Bilateral sciatica"), 91), False),
        (condition(coded(text="Bilateral sciatica"), 5, "resolved"), False),
        (condition(coded(text="No bilateral leg pain")), False),
        (condition(coded(text="Sciatica, left")), False),
    ],
)
def test_pain_in_both_legs_counts_in_the_words_of_a_record(record: Resource, asks: bool) -> None:
    """A problem or a visit that tells of pain in both legs asks, coded or not; one that is old or over does not."""
    found = finding("R-BILAT", record)
    assert bool(found.questions) is asks
    assert bool(found.evidence) is asks


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        ("PVR 650 mL", FIRES),
        ("bladder scan 800 ml", FIRES),
        ("no saddle numbness, PVR 650", FIRES),
        ("PVR > 100 mL", (UNKNOWN, ("ces",))),
        ("PVR 30 mL", HISTORY),
        ("COPIED FROM 01/12/2024: PVR 650 mL", HISTORY),
    ],
)
def test_typed_volume_counts_like_a_measured_one(note: str, expected: tuple[str, tuple[str, ...]]) -> None:
    """A residual volume in the order's words fires, asks where it cannot be judged, and a low one proves nothing."""
    assert verdict("R-CES", order=noted(note)) == expected


def test_volume_that_cannot_be_judged_is_asked_about_in_its_words() -> None:
    """The question quotes the note, and tells that it is one."""
    (asked,) = finding("R-CES", order=noted("PVR > 100 mL")).asked
    assert (asked.quote, asked.place) == ("PVR > 100 mL", "order_note")


def test_reflex_change_alone_is_no_deficit() -> None:
    """A changed reflex is no reason to scan at once."""
    assert verdict("R-MULTI", condition("icd:R29.2")) == HISTORY
    assert verdict("R-MOTOR", condition("icd:R29.2")) == HISTORY


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (condition("icd:G95.20", 10), FIRES),
        (condition("icd:G95.20", 91), (UNKNOWN, ("cord_changed",))),
        (condition("icd:G95.20", 900, "resolved", abatementDateTime=ago(800)), HISTORY),
        (condition(PAIN), HISTORY),
    ],
)
def test_cord_compression(resource: Resource, expected: tuple[str, tuple[str, ...]]) -> None:
    """Cord compression fires while it is new, and is asked about while it is still open."""
    assert verdict("R-CORD", resource) == expected


@pytest.mark.parametrize("criterion", ["R-CES", "R-MOTOR", "R-MULTI", "R-CORD"])
@pytest.mark.parametrize("how", [{"failed": ["Condition"]}, {"cut": ["Observation"]}, {"absent": ["Encounter"]}])
def test_no_sign_is_only_said_of_complete_sources(criterion: str, how: dict[str, Any]) -> None:
    """What was not read may hold the sign."""
    assert verdict(criterion)[0] == NOT_MET
    assert verdict(criterion, **how)[0] == UNKNOWN
