"""Asking for everything at once: a batch Bundle of reads and searches, and its answer taken apart again.

The answers of a batch stand in the order of its requests; nothing else tells which belongs to which.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from fhir_mappings.fhir_client.exchange import Answered, Exchange, weighed
from fhir_mappings.fhir_client.queries import relative
from fhir_mappings.fhir_client.retrieval import Result
from fhir_mappings.fhir_client.walk import Walk


class _Response(msgspec.Struct, gc=False):
    status: str | int
    outcome: msgspec.Raw = msgspec.Raw(b"")


class _Entry(msgspec.Struct, gc=False):
    response: _Response
    resource: msgspec.Raw = msgspec.Raw(b"")


class _Answer(msgspec.Struct, rename="camel", gc=False):
    resource_type: str
    entry: list[_Entry]


_DECODER = msgspec.json.Decoder(_Answer)


def run_batch(exchange: Exchange, walks: Sequence[Walk]) -> None:
    """Ask for the first page of some walks in one call; where that fails as a whole, leave them as they were."""
    base = exchange.server.base
    entries = [{"request": {"method": "GET", "url": relative(walk.url or "", base)}} for walk in walks]
    body = msgspec.json.encode({"resourceType": "Bundle", "type": "batch", "entry": entries})
    answered = exchange.ask("Bundle", base, body)
    answers = _answers(answered.body) if answered.result is Result.OK else []
    if len(answers) == len(walks):
        for walk, answer in zip(walks, answers, strict=True):
            walk.take(answer)


def _answers(body: bytes) -> list[Answered]:
    """Return the answers of a batch by position; none where it is not the answer to a batch."""
    try:
        answer = _DECODER.decode(body)
        return [_answered(entry) for entry in answer.entry] if answer.resource_type == "Bundle" else []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return []


def _answered(entry: _Entry) -> Answered:
    """Return one answer; ValueError where its status is no HTTP status."""
    return weighed(int(str(entry.response.status)[:3]), bytes(entry.resource) or bytes(entry.response.outcome))
