"""Who handled what: a support log read in terms of the matrix, with everything that does not fit counted.

A person has the role held on the day of the event, as the role register says; where the register does not
know the person, the role the log names. Actors and groups without a role in the matrix or register are
*unmapped*: they are counted, and never dropped without a word.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import ibis.expr.types as ir
import pandas as pd

from journey_widgets.errors import JourneyDataError, did_you_mean
from journey_widgets.events.engine import collect
from journey_widgets.events.mapping import STEPS
from journey_widgets.events.source import Source
from journey_widgets.raci.document import RaciMatrix
from journey_widgets.roles import RoleRegister
from journey_widgets.tables import require_columns

MASKED = re.compile(
    r"^(?:\W*|_+|x{3,}|masked|anonym\w*(?:\s+\w+)?|redacted|hidden|unknown|unassigned|n/?a|none|null|nobody)$",
    re.IGNORECASE,
)
"""Names that hide who it was."""
ROBOT = re.compile(
    r"^(?:(?:system|automation|batch|script)(?:[\s_-]*(?:user|account|process|job|rule|\d+))?"
    r"|workflow(?:[\s_-]*(?:engine|rule|user|\d+))?|auto[\s_-]?reply|cron(?:[\s_-]*job)?|daemon|rpa(?:[\s_-].*)?"
    r"|svc[\s_-].+|service[\s_-]account.*|web[\s_-]?hooks?.*|(?:api|integration)(?:[\s_-]*user)?)$"
    r"|(?:^|[\s_-])(?:ro|chat|help|support|service|sales|mail|auto)?bot(?:$|[\s_-]*\d*$)",
    re.IGNORECASE,
)
"""Names of programs: they do work, and nobody can be responsible through them."""


@dataclass(frozen=True)
class Handling:
    """A support log in terms of a matrix.

    Attributes
    ----------
    events
        One row per event in the window, in order of case and time: ``case`` (str), ``ts`` (datetime64, UTC),
        ``touchpoint`` (str, a row of the matrix; blank where none fits), ``step`` (str, ``"handle"``,
        ``"approve"``, ``"consult"``, ``"notify"``, blank for others), ``actor``, ``group`` (str, as the log has
        them), ``role`` (str, role id; blank where unmapped), ``hidden`` (bool), done by a program or by
        somebody whose name is masked.
    outside
        Events outside the window.
    said
        How it was read, in sentences.
    """

    events: pd.DataFrame
    outside: int
    said: tuple[str, ...] = field(default=())
    told: frozenset[str] = frozenset()
    """Kinds of step the log can tell at all."""

    def unmapped(self) -> pd.DataFrame:
        """Return who has no role: ``actor``, ``group`` (str), ``events`` (int64), most first."""
        rest = self.events[self.events["role"] == ""]
        counts = rest.groupby(["actor", "group"], as_index=False).size()
        counts = counts.rename(columns={"size": "events"})
        order = ["events", "actor", "group"]
        return counts.sort_values(order, ascending=[False, True, True], ignore_index=True)


def read_handling(
    tickets: Source | ir.Table, matrix: RaciMatrix, roles: RoleRegister | None = None, *,
    touchpoint: str = "kind", touchpoints: Mapping[str, str] | None = None,
    steps: Mapping[str, str] | None = None, since: date | None = None, until: date | None = None,
    time_zone: str = "UTC", not_people: Collection[str] = (),
) -> Handling:  # fmt: skip
    """Read a support log in terms of a matrix.

    Parameters
    ----------
    tickets
        A `Source` of tickets, or a table with the contract's columns ``case_id``, ``ts``, ``activity``,
        ``actor``.
    matrix, roles
        The matrix whose rows and columns count, and the register that says who holds which role when.
    touchpoint
        Column of the log that names the touchpoint.
    touchpoints
        Its values → touchpoint ids; by default those of the source's mapping. A value that is a touchpoint
        of the matrix, by id or label, needs no entry.
    steps
        Activity → ``"handle"``, ``"approve"``, ``"consult"`` or ``"notify"``; other activities only say who
        had the case when. By default those of the source's mapping, or, where it has none, every activity is
        ``"handle"``.
    since, until
        First and last day of the window, in `time_zone`; both count.
    not_people
        Actors and groups that are programs or masked, beside those recognised by their names.
    """
    mapping = tickets.mapping if isinstance(tickets, Source) else None
    table: ir.Table = tickets.table if isinstance(tickets, Source) else tickets
    require_columns(table.columns, "case_id", "ts", "activity", "actor", touchpoint, name="tickets")
    given = touchpoints if touchpoints is not None else (mapping.touchpoints if mapping else {})
    meant = steps if steps is not None else (mapping.steps if mapping else {})
    for activity, kind in meant.items():
        if kind not in STEPS:
            msg = f"steps: {activity!r} is {kind!r}. {did_you_mean(str(kind), STEPS)}"
            raise JourneyDataError(msg)
    wanted = {
        "case": "case_id",
        "ts": "ts",
        "activity": "activity",
        "actor": "actor",
        "about": touchpoint,
    }
    if "role" in table.columns:
        wanted["group"] = "role"
    order = ["case", "ts", "row"] if "row" in table.columns else ["case", "ts"]
    chosen = table.select(**wanted, **({"row": "row"} if "row" in table.columns else {}))
    frame = collect(chosen)
    frame["ts"] = _naive(frame["ts"])
    frame = frame[frame["ts"].notna()]
    inside = _within(frame["ts"], since, until, time_zone)
    frame = frame[inside].sort_values(order, kind="stable", ignore_index=True)
    texts = {c: _text(frame, c) for c in ("case", "activity", "actor", "about", "group")}
    step = (
        texts["activity"].map(dict(meant)).fillna("")
        if meant
        else pd.Series("handle", index=frame.index)
    )
    extra = {n.casefold() for n in not_people}
    events = pd.DataFrame(
        {
            "case": texts["case"], "ts": frame["ts"],
            "touchpoint": _once(texts["about"], lambda v: _row_of(v, matrix, given)),
            "step": step.astype("str"), "actor": texts["actor"], "group": texts["group"],
            "role": _roles(texts["actor"], texts["group"], frame["ts"], matrix, roles, time_zone),
        }
    )  # fmt: skip
    hidden_actor = _once(
        texts["actor"], lambda v: bool(is_hidden(v) or v.casefold() in extra) and v != ""
    )
    hidden_group = _once(
        texts["group"], lambda v: bool(is_hidden(v) or v.casefold() in extra) and v != ""
    )
    nobody = (texts["actor"] == "") & (texts["group"] == "")
    events["hidden"] = hidden_actor.astype(bool) | hidden_group.astype(bool) | nobody
    told = frozenset(meant.values()) if meant else frozenset({"handle"})
    said = tuple(_said(meant, since, until, touchpoint))
    return Handling(events, int((~inside).sum()), said, told)


def _naive(moments: pd.Series) -> pd.Series:
    """Return moments as naive timestamps in UTC, whatever the table has."""
    stamps = pd.to_datetime(moments, utc=True)
    naive: pd.Series = stamps.dt.tz_localize(None)
    return naive


def _text(frame: pd.DataFrame, column: str) -> "pd.Series[str]":
    if column not in frame:
        return pd.Series("", index=frame.index, dtype="str")
    return frame[column].fillna("").astype("str")


def is_hidden(name: str) -> bool:
    """Return whether a name is masked or a program's, so that it tells no person."""
    return bool(MASKED.match(name.strip()) or ROBOT.search(name))


def _once(values: pd.Series, read: Any) -> pd.Series:
    """Return each value read; equal ones are read once."""
    found = values.map({v: read(v) for v in values.unique()})
    return found if len(found) else found.astype("object")


def _row_of(value: str, matrix: RaciMatrix, given: Mapping[str, str]) -> str:
    ids = {r.touchpoint for r in matrix.rows}
    labels = {r.label.casefold(): r.touchpoint for r in matrix.rows}
    named = given.get(value, value)
    return named if named in ids else labels.get(named.strip().casefold(), "")


def _roles(
    actors: pd.Series, groups: pd.Series, moments: pd.Series, matrix: RaciMatrix,
    roles: RoleRegister | None, time_zone: str,
) -> pd.Series:  # fmt: skip
    """Return the role of each event's actor on its day; blank where nobody knows."""
    names = {r.label.strip().casefold(): r.id for r in matrix.roles} | {
        r.id: r.id for r in matrix.roles
    }
    for role in roles.roles if roles else ():
        names.setdefault(role.id, role.id)
        names.setdefault(role.label.strip().casefold(), role.id)
    by_group = _once(groups, lambda v: names.get(v.strip().casefold(), ""))
    held = _held_by(roles)
    actors = _once(actors, lambda v: v.strip().casefold())
    known = actors.isin(list(held))
    if not known.any():
        return by_group.astype("str")
    days = _local(moments[known], time_zone).dt.date
    own = [
        _held_on(held[actor], day, group)
        for actor, day, group in zip(actors[known], days, by_group[known], strict=True)
    ]
    result = by_group.astype("object")
    result[known] = [o or g for o, g in zip(own, by_group[known], strict=True)]
    return result.astype("str")


def _held_by(roles: RoleRegister | None) -> dict[str, list[tuple[str, Any]]]:
    found: dict[str, list[tuple[str, Any]]] = {}
    for role in roles.roles if roles else ():
        for holder in role.holders:
            found.setdefault(holder.name.strip().casefold(), []).append((role.id, holder))
    return found


def _held_on(held: list[tuple[str, Any]], day: date, group: str) -> str:
    """Return the role held on a day; of several the one the log names, or else the first."""
    then = [role for role, holder in held if holder.on(day)]
    return group if group in then else next(iter(then), "")


def _local(moments: pd.Series, time_zone: str) -> pd.Series:
    local: pd.Series = moments.dt.tz_localize("UTC").dt.tz_convert(time_zone)
    return local


def _within(moments: pd.Series, since: date | None, until: date | None, zone: str) -> pd.Series:
    inside = pd.Series(True, index=moments.index)
    if since is not None:
        inside &= moments >= _midnight(since, zone)
    if until is not None:
        inside &= moments < _midnight(until + pd.Timedelta(days=1), zone)
    return inside


def days(
    since: date | None, until: date | None, zone: str
) -> tuple[pd.Timestamp | None, pd.Timestamp | None]:
    """Return the first moment of a window and the first one after it, naive in UTC."""
    after = None if until is None else _midnight(until + pd.Timedelta(days=1), zone)
    return None if since is None else _midnight(since, zone), after


def _midnight(day: date, zone: str) -> pd.Timestamp:
    """Return the start of a day on the clock of a zone, as a naive timestamp in UTC."""
    local = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    return pd.Timestamp(local).tz_convert("UTC").tz_localize(None)


def _said(
    steps: Mapping[str, str], since: date | None, until: date | None, touchpoint: str
) -> list[str]:
    handled = ", ".join(a for a, s in steps.items() if s == "handle") or "every activity"
    window = " ".join(
        [f"from {since}"] * (since is not None) + [f"to {until}"] * (until is not None)
    )
    return [
        f"Handling: {handled}; touchpoint: column {touchpoint}; {window or 'the whole log'}",
        "A person has the role held on the day, or else the one the log names",
    ]
