"""Where the service keeps its state and how it listens: environment variables ``FIRSTLINE_*``."""

import os
from pathlib import Path

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Settings of one serving process, read from the environment when it is constructed."""

    model_config = SettingsConfigDict(env_prefix="FIRSTLINE_", frozen=True)

    state: Path = Path("state")
    """Folder of everything that is not in git or DVC: store, releases, MLflow."""
    database_url: str = ""
    """SQLAlchemy URL of the store; empty means SQLite at ``<state>/firstline.db``."""
    desk: Path = Path("policy/desk.yaml")
    """Desk rules used while no release is loaded; a release brings its own."""
    host: str = "127.0.0.1"
    port: int = Field(default=3000, ge=1, le=65535)
    hosts: str = ""
    """Names that requests may be sent to (the Host header), by commas; loopback and ``host`` always may."""
    development: bool = False
    """Nobody needs a key and everybody is admin: on loopback only, refused elsewhere."""
    max_body_bytes: int = Field(default=256 * 1024, ge=1024)
    helpdesks: Path | None = None
    """File that names the connected helpdesks (``serving.helpdesks``); without it there are no webhooks."""
    strangers_per_second: float = Field(default=5.0, gt=0)
    """Requests without a valid key that one address may make a second."""
    scoring_threads: int = Field(default=2, ge=1)
    """Requests scored at the same time in one worker; the others wait."""
    waiting_seconds: float = Field(default=5.0, gt=0)
    """How long a ticket may wait to be scored before it is answered with 503 and Retry-After."""
    request_seconds: float = Field(default=20.0, gt=0)
    """How long a request may take, its body included, before it is answered with 504."""
    pointer_check_seconds: float = Field(default=2.0, gt=0)
    """How old the known champion pointer may be before it is read again."""

    @field_validator("helpdesks", mode="before")
    @classmethod
    def _none_is_named(cls, path: object) -> object:
        return path or None

    @field_validator("state", "desk", "helpdesks")
    @classmethod
    def _wherever_the_child_process_starts(cls, path: Path | None) -> Path | None:
        return None if path is None else path.absolute()

    @model_validator(mode="after")
    def _sqlite_in_the_state_folder(self) -> "Settings":
        if not self.database_url:
            # frozen guards readers; the default depends on another field, so it is filled in here
            object.__setattr__(self, "database_url", store_url(self.state))
        return self

    def as_environment(self) -> dict[str, str]:
        """This process's environment with these settings in it, for a child process."""
        told = {name: "" if value is None else str(value) for name, value in self.model_dump().items()}
        own = {f"FIRSTLINE_{name.upper()}": value for name, value in told.items()}
        return {**os.environ, **own}

    @property
    def checkpoints(self) -> Path:
        """File of the ledger's signed checkpoints."""
        return self.state / "checkpoints.jsonl"

    @property
    def releases(self) -> Path:
        """Folder that holds one folder per release, named by its id."""
        return self.state / "releases"


def store_url(state: Path) -> str:
    """URL of the SQLite store in the folder ``state``."""
    return f"sqlite:///{state / 'firstline.db'}"
