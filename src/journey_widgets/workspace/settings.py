"""What a workspace says about itself, and where its sources are."""

from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from journey_widgets.documents import Document, Label, Text
from journey_widgets.events.mapping import SourceMapping, TimeZone
from journey_widgets.tables import CONTRACTS


class Settings(Document):
    """``workspace.yaml``: name, calendar and habits of a workspace."""

    kind: ClassVar[str] = "workspace"

    name: Label
    about: Text = ""
    time_zone: TimeZone = "UTC"
    """Zone of calendar days, weeks and months; instants are UTC everywhere."""
    currency: str | None = Field(None, pattern=r"^[A-Z]{3}$")
    smallest_group: int = Field(5, ge=1)
    """Groups of fewer customers than this are not shown in dashboards and reports; 1 shows all."""
    store: str = Field("", max_length=500)
    """Address of the team's PostgreSQL database, such as ``postgresql+psycopg://host/journeys``; blank keeps the
    documents in this folder. Passwords belong into PostgreSQL's own password file."""
    mirror: bool = False
    """Whether each save also writes the document's text into ``documents/``."""

    @field_validator("store")
    @classmethod
    def _without_password(cls, store: str) -> str:
        """Refuse what lies open in a file, and what is no address."""
        parts = urlsplit(store)
        if store and (
            not parts.scheme.startswith("postgresql")
            or "password" in store.lower()
            or parts.password
        ):
            msg = (
                "an address such as postgresql+psycopg://host/name was needed, without a password: "
                "that belongs into PostgreSQL's password file (PGPASSFILE)"
            )
            raise ValueError(msg)
        return store


class Sources(Document):
    """``sources.yaml``: where each source is and how it is read."""

    kind: ClassVar[str] = "sources"

    events: SourceMapping | None = None
    order_lines: SourceMapping | None = None
    tickets: SourceMapping | None = None
    answers: SourceMapping | None = None
    invitations: SourceMapping | None = None
    behaviour: SourceMapping | None = None
    trials: SourceMapping | None = None
    figures: SourceMapping | None = None
    usage: SourceMapping | None = None
    contacts: SourceMapping | None = None
    scores: SourceMapping | None = None

    def mapping(self, kind: str) -> SourceMapping | None:
        """Return the mapping of one source, or None where the workspace has no such source."""
        found: SourceMapping | None = getattr(self, kind)
        return found

    def present(self) -> list[str]:
        """Return the kinds of source the workspace has, in the order of the contracts."""
        return [kind for kind in CONTRACTS if self.mapping(kind) is not None]
