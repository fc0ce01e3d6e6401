"""What is in force, for whoever configures the service: the settings, and what a site file changes.

Printed by `lumbar-cds check-config` and safe to paste into a ticket: a secret is named and never shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import SecretBytes, SecretStr

from cds_service.cli.terminal import printable
from cds_service.config.settings import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cds_service.config.settings import Settings
    from cds_service.config.site import Site
    from cds_service.hooks.standing import Standing
    from fhir_mappings.terminology.site_terminology import SiteTerminology

_MOST_MAPS: Final = 20


def config_report(settings: Settings) -> str:
    """Return the effective settings, as lines for a terminal."""
    return printable("\n".join(_settings(settings)))


def site_report(site: Site, standing: Standing | None = None) -> str:
    """Return what a site file changes, and whether clinicians have approved what is then in force, for a terminal."""
    return printable("\n".join([*_site(site), *_approval(standing)]))


def _settings(settings: Settings) -> Iterator[str]:
    yield "Settings:"
    values = {name: getattr(settings, name) for name in type(settings).model_fields}
    width = max(len(name) for name in values) + len(PREFIX)
    for name, value in values.items():
        yield f"  {PREFIX + name.upper():{width}}  {_shown(value)}"
    if not settings.shown_url:
        yield (
            f"  CAUTION: without {PREFIX}PUBLIC_URL no card can link to its explanation, and each names acr.org as its "
            "source: set it to the address under which clinicians' browsers reach this service"
        )


def _shown(value: Any) -> str:
    if isinstance(value, SecretStr | SecretBytes):
        return "(set, not shown)" if value.get_secret_value() else "(not set)"
    if value is None:
        return "(not set)"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _approval(standing: Standing | None) -> Iterator[str]:
    if standing is not None:
        yield f"  approval: {standing.sentence}"
        yield f"  fingerprint of what is in force: {standing.fingerprint}"
        if standing.caution:
            yield f"  CAUTION: {standing.caution}"


def _site(site: Site) -> Iterator[str]:
    if site.file is None:
        yield "Site file: none. The guideline is in force as it comes."
        return
    yield f"Site file: {site.file}"
    yield f"  name: {site.name}"
    if not site.changes_anything:
        yield "  changes nothing: the guideline is in force as it comes"
        return
    for change in site.thresholds.changes:
        yield f"  threshold {change.name}: {change.old} -> {change.new} {change.unit}"
    choices = (
        ("treat_conditional_as", "warn", site.treat_conditional_as or "warn"),
        ("ask_questions_at", "sign", site.ask_questions_at),
        ("orders_by_text", "true", str(site.orders_by_text).lower()),
    )
    for name, usual, chosen in choices:
        if chosen != usual:
            yield f"  {name}: {usual} -> {chosen}"
    for message in sorted(site.messages_off):
        yield f"  message off: {message}"
    yield from _added(site.terminology)
    local_codes = site.terminology.local_codes
    for local, standard in local_codes[:_MOST_MAPS]:
        yield f"  map: {local.system}|{local.code} -> {standard.system}|{standard.code}"
    if len(local_codes) > _MOST_MAPS:
        yield f"  map: and {len(local_codes) - _MOST_MAPS} more"


def _added(terminology: SiteTerminology) -> Iterator[str]:
    """Yield how many codes each concept gains, and from which file in which version."""
    for concept, count in terminology.added().items():
        yield f"  codes added: {count} to {concept}"
        for added in terminology.files:
            if added.concept == concept:
                yield f"    {added.codes} from {added.file}" + (f", version {added.version}" if added.version else "")
