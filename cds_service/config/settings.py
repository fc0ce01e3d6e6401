"""The settings, read once at start into one frozen object.

A decision support service that starts with a setting it did not understand is worse than one that refuses: a typing
error in a variable's name would silently leave the default in force. So an unknown `LUMBAR_CDS_…` variable and a value
out of range both stop the start, and every one of them is named.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from cds_service.protocol.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX: Final = "LUMBAR_CDS_"

SHORTEST_TOKEN: Final = 24  # characters

Profile = Literal["development", "production"]

# What a profile chooses where nothing else is said.
_PROFILES: Final[Mapping[str, Mapping[str, Any]]] = {
    "development": {"verbosity": "all", "explain": True, "log_format": "console"},
    "production": {"verbosity": "action", "explain": False, "log_format": "json"},
}


def _processors() -> int:
    """Processors that this process may use: a container's share, where the platform tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Settings(BaseModel):
    """How this process runs. Defaults that differ between profiles stand in the profile."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    profile: Profile = Field("development", description="Defaults for a workplace or for real use.")
    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(8080, ge=1, le=65535, description="Port to listen on.")
    workers: int = Field(default_factory=lambda: min(2, _processors()), ge=1, le=64, description="Worker processes.")
    threads: int = Field(
        16, ge=1, le=256, description="Calls about lumbar MRI that each worker advises on at once, a thread for each."
    )
    wait_ms: int = Field(
        300,
        ge=10,
        le=60_000,
        description="Milliseconds that a call waits for its turn while others are answered; one that would wait longer "
        "is sent away at once (503).",
    )
    public_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s/?#@\\]+(/[^\s?#@\\]*)?$",
        description="Address under which clients reach this service; their tokens must name it.",
    )
    clients_file: Path | None = Field(None, description="TOML or YAML file with the clients that may call.")
    insecure: bool = Field(
        default=False, description="Listens beyond this machine although nobody is authenticated: for tests only."
    )
    max_body_bytes: int = Field(5 * 1024 * 1024, ge=1024, description="Largest request body; a larger one is a 413.")
    max_orders: Annotated[int, Field(ge=1, le=200)] = Field(
        20, description="Most lumbar MRI orders assessed in one request; more are a 400, never a partial answer."
    )
    verbosity: Literal["all", "action"] = Field(
        description="`all`: every message. `action`: only cards that ask for something."
    )
    explain: bool = Field(description="Adds the assessments, as codes and references, to each answer's extension.")
    treat_conditional_as: Literal["warn", "hold"] = Field(
        "warn", description="Whether an MR Conditional implant warns or holds the scan."
    )
    site_file: Path | None = Field(None, description="TOML file with what this site changes of the guideline.")
    gudid: Path | None = Field(
        None, description="Table of what device labels say of MRI, as `lumbar-cds gudid import` writes it."
    )
    language: str = Field("en", pattern="^[a-z]{2,3}(-[A-Z]{2})?$", description="Language of the cards.")
    data_dir: Path = Field(Path("var"), description="Folder for what is stored: the database, unless there is another.")
    database_url: SecretStr | None = Field(
        None, description="`postgresql://…` of the database for feedback and records; none: SQLite in the data folder."
    )
    hash_key: SecretStr | None = Field(
        None, description="Key of the hashes of user and patient ids; none: made once and kept in the data folder."
    )
    record_queue: int = Field(
        10_000, ge=100, le=1_000_000, description="Most records of calls waiting for the database; more are dropped."
    )
    retention_days: int | None = Field(
        None,
        ge=1,
        le=36_500,
        description="Days that records of calls are kept, looked at when the service starts; none: no limit.",
    )
    redis_url: SecretStr | None = Field(
        None,
        description="`redis://…` shared by several hosts to recognise replayed tokens and to count calls; none: one "
        "host alone.",
    )
    switches_file: Path | None = Field(
        None, description="File that `lumbar-cds switch` writes; none: `switches.toml` in the data folder."
    )
    ca_bundle: Path | None = Field(
        None, description="PEM file of the authorities to trust for outgoing https; none: the public ones."
    )
    fetch_threads: int = Field(
        240, ge=15, le=4096, description="FHIR searches under way at once in each worker: 15 for each of its threads."
    )
    metrics_token: SecretStr | None = Field(
        None, description="Bearer token that `/metrics` asks for, of 24 characters or more; none: open."
    )
    admin_token: SecretStr | None = Field(
        None,
        description="Token that `/insights` asks for, of 24 characters or more; none: open in development, closed in "
        "production.",
    )
    demo: bool | None = Field(
        None,
        description="Whether `/demo` is there; none: only while nobody needs to be authenticated. With `true` beside "
        "authentication it serves its patients to anybody who reaches the page: for internal hosts only.",
    )
    charts_dir: Path | None = Field(None, description="Folder of FHIR Bundles, one patient each, for `/demo`.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least important log line.")
    log_format: Literal["console", "json"] = Field(description="Log lines for people or for machines.")

    @field_validator("metrics_token", "admin_token")
    @classmethod
    def _cannot_be_guessed(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None and len(token.get_secret_value().strip()) < SHORTEST_TOKEN:
            problem = "has fewer than {least} characters and could be guessed; take a long random one, for example of"
            raise PydanticCustomError("short_token", f"{problem} `openssl rand -hex 24`", {"least": SHORTEST_TOKEN})
        return token

    @property
    def local_url(self) -> str:
        """The address of the service for whoever is on this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - not listened on
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def shown_url(self) -> str:
        """The address that cards link to: the public one, in development else that of this machine, or empty."""
        return self.public_url or (self.local_url if self.profile == "development" else "")

    @property
    def switches(self) -> Path:
        """The file of the kill switch, as an absolute path."""
        return self._switches.absolute()

    @property
    def switches_are_relative(self) -> bool:
        """Whether another working directory would have made the file of the kill switch another one."""
        return not self._switches.is_absolute()

    @property
    def _switches(self) -> Path:
        return self.switches_file or self.data_dir / "switches.toml"


def load_settings(environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Return the settings from `LUMBAR_CDS_…` variables and overrides; an override of None counts as not given.

    SettingsError names every variable that is unknown or cannot be used. An empty variable counts as not set, because
    that is how Compose files and CI systems pass "nothing".
    """
    variables = os.environ if environ is None else environ
    found = {name: value for name, value in variables.items() if name.startswith(PREFIX) and value}
    values: dict[str, Any] = {name.removeprefix(PREFIX).lower(): value for name, value in found.items()}
    given = {name: value for name, value in overrides.items() if value is not None}
    values |= given
    chosen = values.get("profile", Settings.model_fields["profile"].default)
    try:
        return Settings.model_validate(dict(_PROFILES.get(str(chosen), {})) | values)
    except ValidationError as error:
        raise SettingsError(_sentences(error, given, profile_known=chosen in _PROFILES)) from None


def _sentences(error: ValidationError, given: Mapping[str, Any], *, profile_known: bool) -> list[str]:
    """Return a sentence for each problem; what is wrong, but never the value, which may be a secret."""
    sentences = []
    for problem in error.errors(include_url=False, include_input=False):
        name = str(problem["loc"][0])
        if problem["type"] == "missing" and not profile_known:
            continue  # its default would have come from the profile, which is a problem of its own
        label = f"--{name.replace('_', '-')}" if name in given else f"{PREFIX}{name.upper()}"
        unknown = problem["type"] == "extra_forbidden"
        sentences.append(f"{label}: {'there is no such setting' if unknown else problem['msg']}")
    return sentences
