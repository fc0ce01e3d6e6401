"""Settings: defaults, profiles, and refusals that name what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from cds_service.config.settings import load_settings
from cds_service.protocol.errors import SettingsError


def test_nothing_needs_to_be_set() -> None:
    """The development profile starts from nothing, on loopback, and says all it can."""
    settings = load_settings({})
    assert (settings.profile, settings.host, settings.port) == ("development", "127.0.0.1", 8080)
    assert (settings.verbosity, settings.explain, settings.log_format) == ("all", True, "console")
    assert settings.max_body_bytes == 5 * 1024 * 1024
    assert settings.switches == Path("var/switches.toml").absolute()
    assert 1 <= settings.workers <= 2


def test_production_is_terse() -> None:
    """In production only cards that ask for something are shown, and nothing is explained."""
    settings = load_settings({"LUMBAR_CDS_PROFILE": "production"})
    assert (settings.verbosity, settings.explain, settings.log_format) == ("action", False, "json")


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({"LUMBAR_CDS_PORT": "9000"}, "http://127.0.0.1:9000"),
        ({"LUMBAR_CDS_PUBLIC_URL": "https://cds.example"}, "https://cds.example"),
        ({"LUMBAR_CDS_PROFILE": "production"}, ""),
    ],
)
def test_cards_link_to_the_public_address_or_in_development_to_this_machine(
    settings: dict[str, str], shown: str
) -> None:
    """What a card rests on can be read from the first start; in production no address of this machine is sent."""
    assert load_settings(settings).shown_url == shown


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("PORT", "9000", 9000),
        ("EXPLAIN", "false", False),
        ("VERBOSITY", "action", "action"),
        ("TREAT_CONDITIONAL_AS", "hold", "hold"),
        ("DATA_DIR", "/data", Path("/data")),
        ("MAX_ORDERS", "5", 5),
        ("LOG_LEVEL", "debug", "debug"),
    ],
)
def test_variable_is_read(name: str, text: str, value: object) -> None:
    """Each setting has a variable, which outweighs the profile's default."""
    assert getattr(load_settings({f"LUMBAR_CDS_{name}": text}), name.lower()) == value


def test_override_outweighs_the_environment() -> None:
    """What stands on the command line counts most; an option that was not given does not count."""
    settings = load_settings({"LUMBAR_CDS_PORT": "9000", "LUMBAR_CDS_HOST": "::1"}, port=9001, host=None)
    assert (settings.port, settings.host) == (9001, "::1")


def test_empty_variable_is_not_set() -> None:
    """Compose files pass empty variables for "nothing"."""
    assert load_settings({"LUMBAR_CDS_PORT": ""}).port == 8080


def test_other_variables_are_none_of_ours() -> None:
    """Variables without the prefix are not looked at."""
    assert load_settings({"PORT": "x", "PATH": "y", "XLUMBAR_CDS_PORT": "z"}).port == 8080


@pytest.mark.parametrize(
    ("environ", "overrides", "named"),
    [
        ({"LUMBAR_CDS_PROT": "80"}, {}, ["LUMBAR_CDS_PROT"]),
        ({"LUMBAR_CDS_PORT": "http"}, {}, ["LUMBAR_CDS_PORT"]),
        ({"LUMBAR_CDS_PORT": "0"}, {}, ["LUMBAR_CDS_PORT"]),
        ({"LUMBAR_CDS_PROFILE": "test"}, {}, ["LUMBAR_CDS_PROFILE"]),
        ({"LUMBAR_CDS_WORKERS": "0", "LUMBAR_CDS_VERBOSITY": "x"}, {}, ["LUMBAR_CDS_WORKERS", "LUMBAR_CDS_VERBOSITY"]),
        ({"LUMBAR_CDS_LANGUAGE": "../../etc"}, {}, ["LUMBAR_CDS_LANGUAGE"]),
        ({}, {"port": 99999}, ["--port"]),
        ({}, {"max_body_bytes": 1}, ["--max-body-bytes"]),
    ],
)
def test_unusable_settings_are_all_named(environ: dict[str, str], overrides: dict[str, Any], named: list[str]) -> None:
    """Unknown names and bad values refuse to start, each under the name by which it was given."""
    with pytest.raises(SettingsError) as refused:
        load_settings(environ, **overrides)
    assert [problem.partition(":")[0] for problem in refused.value.problems] == named


def test_value_is_not_repeated() -> None:
    """A value that cannot be used may be a secret in the wrong place."""
    with pytest.raises(SettingsError) as refused:
        load_settings({"LUMBAR_CDS_PORT": "hunter2", "LUMBAR_CDS_PASSWORD": "hunter2"})
    assert "hunter2" not in str(refused.value)


def test_settings_do_not_change() -> None:
    """What was read at start stays."""
    with pytest.raises(ValidationError):
        load_settings({}).port = 1


@pytest.mark.parametrize("name", ["METRICS_TOKEN", "ADMIN_TOKEN"])
def test_token_that_could_be_guessed_is_refused(name: str) -> None:
    """A short token stops the start with what to do instead, spaces do not lengthen it, and it is never repeated."""
    for short in ("hunter2", f"hunter2{' ' * 30}", "hunter2" * 3):
        with pytest.raises(SettingsError) as refused:
            load_settings({f"LUMBAR_CDS_{name}": short})
        assert f"LUMBAR_CDS_{name}: has fewer than 24 characters" in str(refused.value)
        assert "hunter2" not in str(refused.value)
    assert getattr(load_settings({f"LUMBAR_CDS_{name}": "a" * 24}), name.lower()) is not None
