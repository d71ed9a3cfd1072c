"""The role register: who can be named in a matrix, and who holds each role when."""

from datetime import date
from typing import ClassVar, Literal, Self

import pandas as pd
from pydantic import Field, model_validator

from journey_widgets.documents import Document, Id, Label, Part, refuse_doubles

RoleKind = Literal["role", "team", "person", "external"]


class Holder(Part):
    """A person who holds a role from one day to another; open ends are blank."""

    name: Label
    since: date | None = None
    until: date | None = None

    def on(self, day: date) -> bool:
        """Say whether the person holds the role on `day`."""
        return (self.since is None or self.since <= day) and (
            self.until is None or day <= self.until
        )


class Role(Part):
    """One role, team, person or outside party."""

    id: Id
    label: Label
    kind: RoleKind = "role"
    holders: tuple[Holder, ...] = ()
    capacity: float | None = Field(None, ge=0)
    reports_to: Id | None = None
    active: bool = True


class RoleRegister(Document):
    """All roles of a workspace, in the order in which grids show them."""

    kind: ClassVar[str] = "roles"

    roles: tuple[Role, ...] = ()

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        refuse_doubles(roles=[role.id for role in self.roles])
        return self

    def role(self, role_id: str) -> Role | None:
        """Return a role by id."""
        return next((r for r in self.roles if r.id == role_id), None)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per role: ``role``, ``label``, ``kind``, ``holders`` (str), ``active`` (bool)."""
        rows = [
            {
                "role": r.id,
                "label": r.label,
                "kind": r.kind,
                "holders": ", ".join(h.name for h in r.holders),
                "active": r.active,
            }
            for r in self.roles
        ]
        return pd.DataFrame(rows, columns=["role", "label", "kind", "holders", "active"])
