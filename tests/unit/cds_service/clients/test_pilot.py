"""Who sees cards: by mode, by list, and by a share of users that does not change."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cds_service.clients.pilot import shows_cards
from cds_service.clients.profile import ClientProfile, Mode, Pilot

KEY = b"a secret of the process"


def client(percent: int = 0, *users: str, name: str = "a") -> ClientProfile:
    """Return a client with a pilot."""
    return ClientProfile(name, mode=Mode.PILOT, pilot=Pilot(frozenset(users), percent))


def drawn(percent: int, name: str = "a", key: bytes = KEY) -> set[int]:
    """Return which of 2000 users see cards."""
    profile = client(percent, name=name)
    return {number for number in range(2000) if shows_cards(profile, Mode.PILOT, f"Practitioner/{number}", key)}


@pytest.mark.parametrize(("mode", "shown"), [(Mode.OFF, False), (Mode.SILENT, False), (Mode.ON, True)])
def test_other_modes_are_for_all(mode: Mode, shown: bool) -> None:
    """Outside a pilot all users are treated alike, whether they are listed, known or not."""
    for user in ("Practitioner/1", None):
        assert shows_cards(client(100, "Practitioner/1"), mode, user, KEY) is shown


@pytest.mark.parametrize(
    "user",
    [
        "Practitioner/1",
        " Practitioner/1 ",
        "https://ehr.example/fhir/Practitioner/1",
        "https://ehr.example/fhir/Practitioner/1/_history/2",
        "https://ehr.example/fhir/Practitioner/1?x=y#z",
        "/Practitioner/1",
        "1",
    ],
)
def test_listed_user_takes_part(user: str) -> None:
    """A user is recognised in each form in which clients send one, and however the list says it."""
    for listed in ("Practitioner/1", "1", "https://other.example/Practitioner/1"):
        assert shows_cards(client(0, listed), Mode.PILOT, user, KEY)


@pytest.mark.parametrize("user", ["Practitioner/2", "PractitionerRole/1", "Practitioner/11", "", " ", "/", None])
def test_others_do_not(user: str | None) -> None:
    """A user of another id or type, or one who is not known, is not in the pilot."""
    assert not shows_cards(client(0, "Practitioner/1"), Mode.PILOT, user, KEY)


def test_unknown_user_is_in_no_share() -> None:
    """Even with all users in the pilot, a call without one shows no cards."""
    assert not shows_cards(client(100), Mode.PILOT, None, KEY)
    assert not shows_cards(client(100), Mode.PILOT, "", KEY)


def test_share_is_about_as_large_as_it_says() -> None:
    """A tenth of the users is about a tenth, none is none, and all are all."""
    assert (len(drawn(0)), len(drawn(100))) == (0, 2000)
    assert 150 < len(drawn(10)) < 250


def test_share_only_grows() -> None:
    """Whoever sees cards at 10 percent still does at 30."""
    assert drawn(10) < drawn(30) < drawn(100)


def test_draw_is_of_the_client_and_the_key() -> None:
    """Users drawn for one client are not those drawn for another, and nobody can work them out without the key."""
    assert drawn(20) != drawn(20, name="b")
    assert drawn(20) != drawn(20, key=b"another")


def test_forms_of_a_user_are_drawn_alike() -> None:
    """A user does not gain or lose cards because the client writes the id differently."""
    profile = client(50)
    for number in range(50):
        forms = (f"Practitioner/{number}", f"https://ehr.example/Practitioner/{number}", str(number))
        assert len({shows_cards(profile, Mode.PILOT, form, KEY) for form in forms}) == 1


def test_draw_is_the_same_in_another_process() -> None:
    """A user sees cards from each worker or from none."""
    code = (
        "from cds_service.clients.pilot import shows_cards\n"
        "from cds_service.clients.profile import ClientProfile, Mode, Pilot\n"
        "client = ClientProfile('a', mode=Mode.PILOT, pilot=Pilot(frozenset(), 10))\n"
        f"shown = [n for n in range(2000) if shows_cards(client, Mode.PILOT, f'Practitioner/{{n}}', {KEY!r})]\n"
        "print(*shown)"
    )
    output = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert {int(number) for number in output.split()} == drawn(10)
