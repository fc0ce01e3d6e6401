"""Whether a change that is to make the service faster leaves its answers as they are, byte for byte.

    python -m benchmarks.answers FILE             write the answers to everything below into a file
    python -m benchmarks.answers FILE --compare   compare with what was written before

Asked are all scenarios of the specification under both hooks, the bundled demos, and whatever hook requests stand in
the folders named by `--requests`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from benchmarks.bodies import SIZES, TODAY, body
from cds_service.app import create_app
from cds_service.config.settings import load_settings
from cds_service.demo.requests import load_demos
from cds_service.hooks.storage import Storage
from tests.spec.scenarios import FILES, load

_HOOKS: Final = ("order-select", "order-sign")


def _requests(folders: list[Path]) -> Iterator[tuple[str, datetime, bytes]]:
    """Yield a name, the moment of the call and its body."""
    today = datetime.combine(TODAY, time(12), UTC)
    for name in FILES:
        for scenario in load(name):
            moment = datetime.combine(scenario.order_date, time(12), UTC)
            for hook in _HOOKS:
                yield f"{name} {scenario.id} {hook}", moment, json.dumps(scenario.request(hook)).encode()
    for demo in load_demos():
        yield f"demo {demo.name}", today, demo.body()
    for size in ("10 kB", "100 kB"):
        for ours in (True, False):
            yield f"bench {size} {ours}", today, body(SIZES[size], ours=ours)
    for folder in folders:
        for file in sorted(folder.rglob("*.json")):
            document = json.loads(file.read_text(encoding="utf-8"))
            found = document.get("request", document)
            if isinstance(found, dict) and "hook" in found:
                yield str(file.relative_to(folder)), today, json.dumps(found).encode()


def _answers(folders: list[Path]) -> dict[str, str]:
    now = [datetime.now(UTC)]
    clients: list[tuple[str, Any]] = []
    for profile in ("development", "production"):
        settings = load_settings({}, profile=profile, log_level="error")
        # The links of forms are signed with a key of the process; two that are compared need the same.
        with patch("cds_service.smart.contexts.secrets.token_bytes", bytes):
            app = create_app(settings, clock=lambda: now[0], storage=Storage())
        clients.append((profile, app.test_client()))
    found: dict[str, str] = {}
    for name, moment, sent in _requests(folders):
        now[0] = moment
        hook = json.loads(sent).get("hook")
        service = f"/cds-services/lumbar-mri-{hook if hook in _HOOKS else _HOOKS[0]}"
        for profile, client in clients:
            headers = {"X-Request-ID": "compared"}
            answer = client.post(service, data=sent, headers=headers, content_type="application/json")
            found[f"{profile} {name}"] = f"{answer.status_code} {hashlib.sha256(answer.data).hexdigest()}"
    return found


def main() -> int:
    """Write or compare; 1 when an answer has changed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--requests", type=Path, action="append", default=[], metavar="FOLDER")
    arguments = parser.parse_args()
    found = _answers(arguments.requests)
    if not arguments.compare:
        arguments.file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
        print(f"{len(found)} answers written")
        return 0
    before: dict[str, str] = json.loads(arguments.file.read_text(encoding="utf-8"))
    changed = sorted(name for name in found.keys() | before.keys() if found.get(name) != before.get(name))
    print(f"{len(found)} answers, {len(changed)} changed")
    for name in changed[:50]:
        print(f"  {name}: {before.get(name)} -> {found.get(name)}")
    return 1 if changed else 0


if __name__ == "__main__":
    sys.exit(main())
