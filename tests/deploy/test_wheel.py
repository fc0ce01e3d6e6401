"""One line to try it: the wheel, installed into an environment of its own, starts, opens a browser and shows a card."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import venv
import zipfile
from pathlib import Path
from typing import Final

import pytest
import requests

from tests.service import PATIENCE, free_port

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("wheel")]

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("cds_service", "fhir_mappings", "cards")
INSTALLING: Final = 500.0
# A day like any other: the same sources at the same time must give the same bytes.
EPOCH: Final = "1750000000"


def build(folder: Path) -> Path:
    """Return a wheel built from the sources, without the network."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-build-isolation", "--no-deps", "--no-index"]
    environment = os.environ | {"SOURCE_DATE_EPOCH": EPOCH}
    subprocess.run([*command, "--wheel-dir", folder, ROOT], check=True, env=environment, timeout=PATIENCE)
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel."""
    return build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a new environment that holds what the lock names, from the index, and the wheel."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    pip = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", str(folder / "bin" / "python")]
    lock = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--requirement", str(ROOT / "requirements.lock")]
    done = subprocess.run([*pip, *lock], check=False, capture_output=True, text=True, timeout=INSTALLING)
    if done.returncode and re.search(r"Failed to fetch|error sending request|dns error", done.stderr):
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr
    subprocess.run([*pip, "--no-deps", "--offline", str(wheel)], check=True, timeout=PATIENCE)
    return folder / "bin"


def test_wheel_holds_every_file_of_the_packages(wheel: Path) -> None:
    """Value sets, pages, demo patients, migrations and schemas are in it, and nothing that is not in the sources."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("no work tree of git to compare with")
    listed = subprocess.run([git, "ls-files", *PACKAGES], check=True, cwd=ROOT, capture_output=True, text=True)
    names = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith(PACKAGES)}
    assert names == {name for name in listed.stdout.split() if (ROOT / name).exists()}


def test_wheel_is_reproducible(wheel: Path, tmp_path: Path) -> None:
    """Built again from the same sources, the wheel is the same to the byte."""
    assert build(tmp_path).read_bytes() == wheel.read_bytes()


@pytest.mark.parametrize("program", ["lumbar-cds", "lumbar-mri-cds"])
def test_one_line_shows_a_card(installed: Path, tmp_path: Path, program: str) -> None:
    """`demo` shows a card in the terminal and the patient in the browser; settings of a real service do not matter."""
    browser = tmp_path / "browser"
    browser.write_text('#!/bin/sh\necho "$1" > "$0.opened"\n')
    browser.chmod(0o755)
    port = free_port()
    environment = {
        "PATH": f"{installed}:/usr/bin:/bin",
        "BROWSER": f"{browser} %s",
        "TMPDIR": str(tmp_path),
        "LUMBAR_CDS_PROFILE": "production",
        "LUMBAR_CDS_CLIENTS_FILE": "/absent.toml",
    }
    output = tmp_path / "output"
    with output.open("wb") as stream:
        command = [str(installed / program), "demo", "--port", str(port)]
        process = subprocess.Popen(command, stdout=stream, stderr=subprocess.STDOUT, env=environment, cwd=tmp_path)
    try:
        opened = tmp_path / "browser.opened"
        deadline = time.monotonic() + PATIENCE
        while not opened.exists() and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.1)
        assert opened.exists(), output.read_text()
        with requests.Session() as session:
            session.trust_env = False
            page = opened.read_text().strip()
            assert page == f"http://127.0.0.1:{port}/demo?patient=acute-low-back-pain"
            for path in ("/demo", "/criteria", "/criteria/codes", "/scenarios", "/docs", "/insights", "/openapi.json"):
                assert session.get(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE).ok, path
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)
    text = output.read_text()
    assert "WARNING" in text
    assert "Source:" in text
    assert "Traceback" not in text
    assert list(tmp_path.glob("lumbar-cds-demo-*")) == []
