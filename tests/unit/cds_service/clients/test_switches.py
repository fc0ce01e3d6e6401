"""The kill switch: what it lowers, when it is noticed, and what a broken file does."""

from __future__ import annotations

import logging
import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from cds_service.clients.profile import ClientProfile, Mode
from cds_service.clients.switch_witnesses import SwitchWitness, announce, announced, confirmed, withdraw
from cds_service.clients.switch_writer import write_switch
from cds_service.clients.switches import Switches, SwitchState, read_switches, version_of
from cds_service.protocol.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


class Clock:
    """Seconds that pass when told."""

    now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the switch file is, or will be."""
    return tmp_path / "switches.toml"


def client(mode: Mode = Mode.ON, name: str = "a") -> ClientProfile:
    """Return a client in a mode."""
    return ClientProfile(name, mode=mode)


@pytest.mark.parametrize("mode", Mode)
def test_switch_only_lowers(mode: Mode) -> None:
    """Off means off, silent lowers what is higher, and nothing is ever raised."""
    assert SwitchState(off={"a": ""}).mode(client(mode)) is Mode.OFF
    assert SwitchState(silent={"a": ""}).mode(client(mode)) is (Mode.OFF if mode is Mode.OFF else Mode.SILENT)
    assert SwitchState(silent={"a": ""}, off={"*": ""}).mode(client(mode)) is Mode.OFF
    assert SwitchState(off={"b": ""}, silent={"c": ""}).mode(client(mode)) is mode


def test_every_client_can_be_switched() -> None:
    """The name * stands for all clients."""
    assert SwitchState(silent={"*": ""}).mode(client()) is Mode.SILENT


def test_change_is_noticed_within_a_second(file: Path) -> None:
    """The file is looked at again after a second, not at each call, and its removal takes the switch back."""
    clock = Clock()
    switches = Switches(file, clock)
    assert switches.mode(client()) is Mode.ON
    write_switch(file, "a", Mode.OFF)
    clock.now = 0.9
    assert switches.mode(client()) is Mode.ON
    clock.now = 1.0
    assert switches.mode(client()) is Mode.OFF
    file.unlink()
    clock.now = 2.0
    assert switches.mode(client()) is Mode.ON


def test_file_edited_in_place_is_noticed(file: Path) -> None:
    """An editor that writes into the same file works as well."""
    clock = Clock()
    file.write_text("[off]\n", encoding="utf-8")
    switches = Switches(file, clock)
    file.write_text('[off]\na = "x"\n', encoding="utf-8")
    clock.now = 1.0
    assert switches.mode(client()) is Mode.OFF


def test_switched_at_start(file: Path) -> None:
    """A process that starts while a switch is on obeys it from the first call."""
    write_switch(file, "*", Mode.SILENT)
    assert Switches(file, Clock()).mode(client()) is Mode.SILENT


def test_no_file_switches_nothing() -> None:
    """Without a switch file the modes are those of the profiles."""
    assert Switches(None, Clock()).mode(client(Mode.PILOT)) is Mode.PILOT


@pytest.mark.parametrize("content", [b"", b"[off", b"[off]\na = 1\n", b"\xff", b"[on]\na = ''\n"])
def test_broken_file_changes_nothing(file: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """A file that cannot be used leaves the last state in force and is logged once, without what it says."""
    clock = Clock()
    write_switch(file, "a", Mode.OFF, "hush-hush")
    switches = Switches(file, clock)
    file.write_bytes(content)
    for clock.now in (1.0, 2.0, 3.0):
        assert switches.mode(client()) is Mode.OFF
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    write_switch_over(file)
    clock.now = 4.0
    assert switches.mode(client()) is Mode.SILENT
    assert "hush-hush" not in caplog.text


def write_switch_over(file: Path) -> None:
    """Put a good file in the place of a broken one."""
    file.unlink()
    write_switch(file, "a", Mode.SILENT, "hush-hush")


def test_unreadable_file_changes_nothing(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Something else in the file's place is an error of the disk, not a reason to show cards again."""
    clock = Clock()
    write_switch(file, "a", Mode.OFF)
    switches = Switches(file, clock)
    file.unlink()
    file.mkdir()
    for clock.now in (1.0, 2.0):
        assert switches.mode(client()) is Mode.OFF
    assert len(caplog.records) == 1


def test_folder_that_cannot_be_entered_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A path that cannot be followed is not the same as a file that was removed."""
    clock = Clock()
    folder = tmp_path / "folder"
    folder.mkdir()
    file = folder / "switches.toml"
    write_switch(file, "a", Mode.OFF)
    switches = Switches(file, clock)
    folder.rename(tmp_path / "elsewhere")
    folder.write_text("a file where the folder was", encoding="utf-8")
    for clock.now in (1.0, 2.0):
        assert switches.mode(client()) is Mode.OFF
    assert len(caplog.records) == 1


def test_change_is_logged_by_name(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Who reads the log sees which clients were switched, and that a misspelt one does not exist."""
    clock = Clock()
    switches = Switches(file, clock, ["general"])
    write_switch(file, "genral", Mode.OFF, "hush-hush")
    clock.now = 1.0
    assert switches.mode(client(name="general")) is Mode.ON
    assert [record.getMessage() for record in caplog.records] == [
        "the switch file changed; off: genral; silent: nobody",
        "the switch file names clients that do not exist: genral",
    ]


def test_one_thread_looks_and_none_waits(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one call looks at a slow disk, the others are answered with what is known."""
    clock = Clock()
    write_switch(file, "a", Mode.SILENT)
    switches = Switches(file, clock)
    write_switch(file, "a", Mode.OFF)
    reading, go_on = threading.Event(), threading.Event()

    def slowly(path: Path) -> SwitchState:
        reading.set()
        assert go_on.wait(10)
        return read_switches(path)

    monkeypatch.setattr("cds_service.clients.switches.read_switches", slowly)
    clock.now = 1.0
    seen: list[Mode] = []
    slow = threading.Thread(target=lambda: seen.append(switches.mode(client())))
    slow.start()
    assert reading.wait(10)
    clock.now = 5.0
    assert switches.mode(client()) is Mode.SILENT
    go_on.set()
    slow.join(10)
    assert seen == [Mode.OFF]


def test_broken_file_refuses_to_start(file: Path) -> None:
    """A process must not start without knowing what is switched off."""
    file.write_text("[off]\na = 1\n[on]\n", encoding="utf-8")
    with pytest.raises(SettingsError) as refusal:
        Switches(file, Clock())
    assert [problem.removeprefix(f"{file}: ").partition(":")[0] for problem in refusal.value.problems] == [
        "off.a",
        "on",
    ]


@pytest.mark.parametrize(
    "text", ['off = ["a"]', '[off]\n"A b" = ""', f'[off]\na = "{"x" * 501}"', '[off]\na = "b\\nc"']
)
def test_what_a_switch_file_must_not_say(file: Path, text: str) -> None:
    """Only names of clients with a line of reason can be switched."""
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError):
        read_switches(file)


def test_writing_keeps_the_others(file: Path) -> None:
    """Switching one client leaves what was said about others, and taking it back removes only that."""
    write_switch(file, "a", Mode.OFF, 'it said "no"\\ ö 😀')
    write_switch(file, "*", Mode.SILENT, "all")
    state = write_switch(file, "b", Mode.OFF)
    assert state == SwitchState(off={"a": 'it said "no"\\ ö 😀', "b": ""}, silent={"*": "all"})
    assert write_switch(file, "a", Mode.SILENT, "again").silent == {"*": "all", "a": "again"}
    for name in ("a", "b", "*"):
        state = write_switch(file, name, None)
    assert state == SwitchState()


def test_only_the_owner_may_read_the_file(file: Path) -> None:
    """Reasons are for those who run the service; nothing else is left in the folder."""
    write_switch(file, "a", Mode.OFF)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in file.parent.iterdir()] == ["switches.toml"]


def test_file_written_by_root_is_given_to_the_owner_of_its_folder(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service could not read a file of root's, and the switch would do nothing."""
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "fchown", lambda _, user, group: given.append((user, group)))
    write_switch(file, "a", Mode.OFF)
    assert given == [(file.parent.stat().st_uid, file.parent.stat().st_gid)]


@pytest.mark.parametrize(
    ("name", "mode", "reason"),
    [
        ("a", Mode.ON, ""),
        ("a", Mode.PILOT, ""),
        ("A b", Mode.OFF, ""),
        ("a", Mode.OFF, "b\nc"),
        ("a", Mode.OFF, "\x7f"),
    ],
)
def test_what_cannot_be_switched(file: Path, name: str, mode: Mode, reason: str) -> None:
    """A switch cannot raise a mode, name what is no client, or hold more than a line."""
    with pytest.raises(SettingsError):
        write_switch(file, name, mode, reason)
    assert not file.exists()


def test_failed_writing_leaves_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full, what was switched stays switched and no half file is left."""
    write_switch(file, "a", Mode.OFF)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SettingsError, match="No space left"):
        write_switch(file, "a", None)
    assert read_switches(file).off == {"a": ""}
    assert [entry.name for entry in file.parent.iterdir()] == ["switches.toml"]


def test_a_worker_says_what_is_in_force(file: Path) -> None:
    """Each beat looks at the file, whether anybody calls or not; a file that cannot be used is not confirmed."""
    clock = Clock()
    switches = Switches(file, clock)
    witness = SwitchWitness(switches)
    witness.speak()
    assert list(confirmed(file).values()) == ["none"]
    for text, is_current in (("[off]\na = ''", True), ("[of", False), ("[silent]\na = ''", True)):
        file.write_text(text, encoding="utf-8")
        clock.now += 1
        witness.speak()
        assert (list(confirmed(file).values()) == [version_of(file)]) is is_current
        assert switches.is_current is is_current
    assert confirmed(file, lambda: time.time() + 60) == {}
    witness.leave()
    assert confirmed(file) == {}


def test_a_worker_counts_itself_before_it_confirms(file: Path) -> None:
    """Whoever is told that a switch is in force everywhere finds that many workers in the metrics at once."""
    clock = Clock()
    told: list[list[str]] = []
    witness = SwitchWitness(Switches(file, clock), lambda: told.append(list(confirmed(file).values())))
    witness.speak()
    file.write_text("[off]\na = ''", encoding="utf-8")
    clock.now += 1
    witness.speak()
    witness.speak()
    assert told == [[], ["none"]]


def test_a_process_without_a_switch_file_says_nothing(tmp_path: Path) -> None:
    """What cannot be switched confirms nothing."""
    witness = SwitchWitness(Switches(None, Clock()))
    witness.speak()
    witness.leave()
    assert list(tmp_path.iterdir()) == []


def test_the_file_of_a_running_service_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told by the port, in a folder of this user only; what others could have written there is not believed."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    file, other = tmp_path / "a" / "switches.toml", tmp_path / "b" / "switches.toml"
    assert announced(8080) is None
    announce(8080, file)
    assert (announced(8080), announced(8081)) == (file, None)
    announce(8080, other)
    withdraw(8080, file)
    assert announced(8080) == other
    (folder,) = tmp_path.glob("lumbar-cds-*")
    folder.chmod(0o777)
    assert announced(8080) is None
    folder.chmod(0o700)
    withdraw(8080, other)
    assert announced(8080) is None
