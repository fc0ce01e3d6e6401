"""What is shipped can be told: the bill names all that the lock installs, and the image installs no more."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from cds_service import __version__

ROOT: Final = Path(__file__).parents[2]
DOCKERFILE: Final = (ROOT / "Dockerfile").read_text(encoding="utf-8")
LOCK: Final = (ROOT / "requirements.lock").read_text(encoding="utf-8")
LOCKED: Final = dict(re.findall(r"^([\w.-]+)(?:\[\w+\])?==([\w.]+)", LOCK, re.MULTILINE))


def plain(name: str) -> str:
    """Return a package's name in the form in which names are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.slow
def test_bill_names_everything(tmp_path: Path) -> None:
    """`make sbom` lists each package of the lock with version and hashes, and the licence of each that is installed."""
    make = shutil.which("make")
    if make is None:
        pytest.skip("no make")
    # As if the environment were up to date: installing is not what this is about.
    options = ["--silent", "--old-file=.venv/.dev", f"BUILD={tmp_path}", f"BIN={Path(sys.executable).parent}"]
    subprocess.run([make, *options, "sbom"], check=True, cwd=ROOT, timeout=120, capture_output=True)
    bill = json.loads((tmp_path / "sbom.cdx.json").read_text())
    assert bill["bomFormat"] == "CycloneDX"
    assert bill["metadata"]["component"]["name"] == "lumbar-mri-cds"
    components = {one["name"]: one for one in bill["components"]}
    assert {name: one["version"] for name, one in components.items()} == LOCKED
    assert all(one["externalReferences"][0]["hashes"] for one in components.values())
    rows = (tmp_path / "licences.md").read_text().splitlines()[2:]
    licences = {plain(row.split("|")[1].strip()): row.split("|")[3].strip() for row in rows}
    # Some are for other versions of Python or other systems only.
    assert len(licences) > 0.9 * len(LOCKED)
    assert set(licences) <= {plain(name) for name in LOCKED}
    assert "UNKNOWN" not in licences.values()


def test_image_is_made_from_the_lock() -> None:
    """Every package of the image is one of the lock, by its hash; nothing is resolved or fetched beside it."""
    installs = re.findall(r"pip --python \S+ (?:install|wheel) (.*)", DOCKERFILE)
    assert len(installs) == 3
    locked, wheel, own = installs
    assert {"--require-hashes", "--no-deps", "requirements.lock"} <= set(locked.split())
    assert {"--no-build-isolation", "--no-deps"} <= set(wheel.split())
    assert {"--no-index", "--no-deps"} <= set(own.split())


def test_image_says_what_it_is() -> None:
    """Labels name the software, its licence and its version; the service runs as nobody in particular."""
    for label in ("title", "description", "licenses", "version", "revision", "base.name"):
        assert f"org.opencontainers.image.{label}=" in DOCKERFILE
    assert f"ARG VERSION={__version__}\n" in DOCKERFILE
    assert "USER 10001:10001" in DOCKERFILE
    assert re.search(r"^HEALTHCHECK .*", DOCKERFILE, re.MULTILINE)
