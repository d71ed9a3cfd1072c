"""Plan against log: who was to do the work at each touchpoint, and who did it.

Shares are of the handling events at a touchpoint whose actor has a role; Wilson's 95 % interval goes with
each. Both readings of a difference stand side by side: people do not follow the plan, or the plan is out of
date.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.errors import JourneyDataError
from journey_widgets.estimates import certainty, wilson
from journey_widgets.findings import Finding, Severity
from journey_widgets.raci.context import Context, Row, letters_of
from journey_widgets.raci.document import MatrixRow, RaciMatrix
from journey_widgets.raci.hand_overs import passed_on
from journey_widgets.raci.handling import Handling, days, read_handling
from journey_widgets.raci.policy import Links, RaciPolicy
from journey_widgets.raci.rules import acknowledge, ordered
from journey_widgets.raci.schemes import SCHEMES
from journey_widgets.roles import RoleRegister

Plan = tuple[datetime, RaciMatrix]
DOER_COLUMNS = [
    "touchpoint", "label", "since", "until", "role", "role_label", "letters", "planned", "events", "n", "share",
    "low", "high", "method", "certainty",
]  # fmt: skip
ROW_COLUMNS = [
    "touchpoint", "label", "since", "until", "events", "n", "unmapped", "planned_events", "planned_share", "low",
    "high", "method", "certainty", "cases", "hand_overs_per_case", "judged",
]  # fmt: skip


@dataclass(frozen=True)
class PlanAgainstLog:
    """What a log says about a matrix.

    Attributes
    ----------
    doers
        One row per touchpoint, part of the window and role that is planned or seen there. Columns:
        ``touchpoint``, ``label`` (str); ``since``, ``until`` (datetime64, UTC), ends of the part, missing where
        open; ``role``, ``role_label``, ``letters`` (str, as planned); ``planned`` (bool), whether the role is to
        do the work; ``events`` (int64) it handled, of ``n`` (int64) with a role; ``share`` (float64), ``low``,
        ``high``, ``method``, ``certainty``.
    touchpoints
        One row per touchpoint and part of the window. Columns: ``touchpoint``, ``label``, ``since``, ``until``;
        ``events`` (int64), handling events, ``n``, those whose actor has a role, ``unmapped``, the others;
        ``planned_events``, ``planned_share`` with ``low``, ``high``, ``method``, ``certainty``; ``cases``;
        ``hand_overs_per_case`` (float64); ``judged`` (bool), whether there are enough events.
    findings
        EVD findings, in the order of `raci.check`.
    unmapped
        Who has no role: ``actor``, ``group``, ``events``.
    elsewhere
        Handling events at touchpoints that are not in the matrix.
    """

    doers: pd.DataFrame
    touchpoints: pd.DataFrame
    findings: list[Finding]
    unmapped: pd.DataFrame
    elsewhere: int

    def conformance(self) -> tuple[int, int]:
        """Return how many handling events were done by a planned role, of how many with a role."""
        return int(self.touchpoints["planned_events"].sum()), int(self.touchpoints["n"].sum())


def compare_with_log(
    matrix: RaciMatrix | Sequence[Plan], tickets: Any, roles: RoleRegister | None = None, *,
    policy: RaciPolicy | None = None, **reading: Any,
) -> PlanAgainstLog:  # fmt: skip
    """Hold a matrix against a support log.

    Parameters
    ----------
    matrix
        The plan; or several, each with the moment (UTC) from which it held, oldest first. The first one is
        taken to have held before. A change of the plan splits the window where it changed a row.
    tickets
        A `Source` of tickets, or a table with the contract's columns.
    roles
        The register: who held which role on which day.
    policy
        Limits; the EVD rules use those that begin with ``min_events``.
    reading
        ``touchpoint``, ``touchpoints``, ``steps``, ``since``, ``until``, ``time_zone`` and ``not_people`` of
        `read_handling`.
    """
    plans = _plans(matrix)
    newest = plans[-1][1]
    policy = policy or RaciPolicy()
    handling = read_handling(tickets, newest, roles, **reading)
    events = handling.events
    handled = events[(events["step"] == "handle") & (events["touchpoint"] != "")]
    context = Context.of(newest, None, roles, policy, Links())
    passed = passed_on(events)
    window = days(reading.get("since"), reading.get("until"), reading.get("time_zone", "UTC"))
    doers: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    findings: list[Finding] = []
    for row in newest.rows:
        here = events[events["touchpoint"] == row.touchpoint]
        for since, until, then, scheme in _parts(plans, row.touchpoint, window):
            events_then = _between(here, since, until)
            piece = _Piece(
                context, row, then, scheme, handling.told, since, until, events_then, passed
            )
            doers += piece.doers()
            rows.append(piece.numbers())
            findings += piece.findings()
    findings = ordered(acknowledge(findings, newest, policy), newest)
    elsewhere = int(((events["step"] == "handle") & (events["touchpoint"] == "")).sum())
    unmapped = Handling(handled, 0).unmapped()
    return PlanAgainstLog(
        _framed(doers, DOER_COLUMNS, handling, policy), _framed(rows, ROW_COLUMNS, handling, policy),
        findings, unmapped, elsewhere,
    )  # fmt: skip


def _plans(given: RaciMatrix | Sequence[Plan]) -> list[Plan]:
    if isinstance(given, RaciMatrix):
        return [(datetime(1, 1, 1), given)]  # noqa: DTZ001 - naive UTC
    plans = sorted(((_utc(moment), matrix) for moment, matrix in given), key=lambda p: p[0])
    if not plans:
        msg = "There is no plan to hold against the log. Give a matrix, or a list of (moment, matrix)."
        raise JourneyDataError(msg)
    return plans


def _utc(moment: datetime) -> datetime:
    stamp = pd.Timestamp(moment)
    return (stamp.tz_convert("UTC").tz_localize(None) if stamp.tz else stamp).to_pydatetime()


def _parts(
    plans: Sequence[Plan], touchpoint: str, window: tuple[pd.Timestamp | None, pd.Timestamp | None]
) -> Iterator[tuple[datetime | None, datetime | None, Row, str]]:
    """Return the parts of the window in which a row said the same: since, until, the row, its letter scheme.

    The first plan that has the row is taken to have held before; where a plan lacks it, the one before it
    goes on.
    """
    parts: list[tuple[datetime | None, Row, str]] = []
    for moment, matrix in plans:
        row = next((r for r in matrix.rows if r.touchpoint == touchpoint), None)
        if row is None:
            continue
        read = {r: letters_of(text, matrix.scheme) for r, text in row.cells.items()}
        cells = {r: letters for r, letters in read.items() if letters}
        if parts and parts[-1][1].cells == cells and parts[-1][2] == matrix.scheme:
            continue
        parts.append((moment if parts else None, Row(row, cells), matrix.scheme))
    ends = [since for since, _row, _scheme in parts[1:]]
    first, last = window
    for (since, then, scheme), until in zip(parts, [*ends, None], strict=True):
        over = first is not None and until is not None and until <= first
        ahead = last is not None and since is not None and since >= last
        if not over and not ahead:
            yield since, until, then, scheme


def _between(events: pd.DataFrame, since: datetime | None, until: datetime | None) -> pd.DataFrame:
    inside = pd.Series(True, index=events.index)
    if since is not None:
        inside &= events["ts"] >= since
    if until is not None:
        inside &= events["ts"] < until
    return events[inside]


@dataclass(frozen=True)
class _Piece:
    """One touchpoint in one part of the window."""

    context: Context
    row: MatrixRow
    then: Row
    scheme: str
    told: frozenset[str]
    since: datetime | None
    until: datetime | None
    events: pd.DataFrame
    passed: pd.Series

    def planned(self) -> list[str]:
        """Roles that are to do the work; who supports them in RASCI does it too."""
        letters = [
            "D" if self.scheme == "DACI" else "R",
            *(["S"] if self.scheme == "RASCI" else []),
        ]
        return [r for r, held in self.then.cells.items() if any(x in held for x in letters)]

    def of(self, step: str) -> pd.DataFrame:
        """Return the events of one kind whose actor has a role."""
        return self.events[(self.events["step"] == step) & (self.events["role"] != "")]

    @property
    def judged(self) -> bool:
        return len(self.of("handle")) >= self.context.policy.min_events

    def _place(self) -> dict[str, Any]:
        return {
            "touchpoint": self.row.touchpoint, "label": self.row.label,
            "since": pd.Timestamp(self.since) if self.since else pd.NaT,
            "until": pd.Timestamp(self.until) if self.until else pd.NaT,
        }  # fmt: skip

    def doers(self) -> list[dict[str, Any]]:
        counts = self.of("handle")["role"].value_counts()
        planned = self.planned()
        seen = [
            str(r) for r in counts.sort_index().sort_values(ascending=False, kind="stable").index
        ]
        names = planned + [r for r in seen if r not in planned]
        n = int(counts.sum())
        scheme = SCHEMES[self.scheme].letters
        rows = []
        for role in names:
            held = self.then.cells.get(role, frozenset())
            x = int(counts.get(role, 0))
            low, high = (float(v) for v in wilson(x, n))
            rows.append(
                {
                    **self._place(), "role": role, "role_label": _label(self.context, role),
                    "letters": "/".join(x for x in scheme if x in held), "planned": role in planned,
                    "events": x, "n": n, "share": x / n if n else np.nan, "low": low, "high": high,
                }
            )  # fmt: skip
        return rows

    def numbers(self) -> dict[str, Any]:
        handled = self.events[self.events["step"] == "handle"]
        mapped = self.of("handle")
        x, n = int(mapped["role"].isin(self.planned()).sum()), len(mapped)
        low, high = (float(v) for v in wilson(x, n))
        cases = self.events["case"].nunique()
        return {
            **self._place(), "events": len(handled), "n": n, "unmapped": len(handled) - n,
            "planned_events": x, "planned_share": x / n if n else np.nan, "low": low, "high": high,
            "cases": cases, "hand_overs_per_case": self._passed() / cases if cases else np.nan,
            "judged": self.judged,
        }  # fmt: skip

    def _passed(self) -> int:
        return int(self.passed[self.events.index].sum())

    def _find(self, code: str, severity: Severity, scope: str, **more: Any) -> Finding:
        """Return a finding that says which part of the window it is about, where the plan changed in it."""
        ends = [f"since {self.since:%-d %b %Y}"] if self.since else []
        ends += [f"until {self.until:%-d %b %Y}"] if self.until else []
        ids = {**(more.pop("ids", None) or {}), **({"part": " ".join(ends)} if ends else {})}
        found = self.context.find(code, severity, scope, ids=ids, **more)
        return (
            replace(found, message=f"{found.message[:-1]} ({', '.join(ends)}).") if ends else found
        )

    def findings(self) -> Iterator[Finding]:
        find, policy = self._find, self.context.policy
        n = len(self.of("handle"))
        if not self.judged and not n and self.until is not None:
            return  # an older plan in days without events
        if not self.judged:
            yield find(
                "EVD-00", "info", "evidence", row=self.row, n=n, least=policy.min_events,
                measured={"n": n}, policy={"min_events": policy.min_events},
            )  # fmt: skip
            return
        yield from self._unplanned()
        yield from self._unused()
        yield from self._approvals()
        yield from self._consulted()
        yield from self._informed()
        cases = self.events["case"].nunique()
        mean, planned = self._passed() / max(cases, 1), len(self.planned())
        if mean > planned:
            yield find(
                "EVD-06", "warn", "evidence", row=self.row, mean=mean, planned=_roles_in_words(planned),
                measured={"hand_overs_per_case": mean, "planned": planned, "cases": cases},
            )  # fmt: skip

    def _unplanned(self) -> Iterator[Finding]:
        """EVD-01: roles that are not planned do the work."""
        mapped = self.of("handle")
        others = mapped[~mapped["role"].isin(self.planned())]["role"]
        x, n, limit = len(others), len(mapped), self.context.policy.unplanned_share
        low, high = (float(v) for v in wilson(x, n))
        if low > limit:
            most = _most(others)
            yield self._find(
                "EVD-01", "warn", "evidence", row=self.row, role=_label(self.context, most), share=x / n,
                n=n, low=low, high=high, measured={"x": x, "n": n, "low": low, "high": high, "most": most},
                policy={"unplanned_share": limit},
            )  # fmt: skip

    def _unused(self) -> Iterator[Finding]:
        """EVD-02: a planned role never does the work."""
        roles, policy = self.of("handle")["role"], self.context.policy
        n = len(roles)
        high = float(wilson(0, n)[1])
        if n < policy.unused_events or high >= policy.unused_share:
            return
        for role in self.planned():
            if not (roles == role).any():
                yield self._find(
                    "EVD-02", "warn", "evidence", row=self.row, ids={"role": role},
                    role=_label(self.context, role), x=0, n=n, high=high,
                    measured={"x": 0, "n": n, "high": high}, policy={"unused_share": policy.unused_share},
                )  # fmt: skip

    def _approvals(self) -> Iterator[Finding]:
        """EVD-03: somebody else than the planned A approves."""
        approved, policy = self.of("approve")["role"], self.context.policy
        planned = self.then.holders(self.context.accountable)
        others = approved[~approved.isin(planned)]
        x, n = len(others), len(approved)
        if n < policy.min_events:
            return
        low, high = (float(v) for v in wilson(x, n))
        if low > policy.wrong_approver_share:
            most = _most(others)
            yield self._find(
                "EVD-03", "warn", "evidence", row=self.row, role=_label(self.context, most), share=x / n,
                n=n, low=low, high=high, measured={"x": x, "n": n, "low": low, "high": high, "most": most},
                policy={"wrong_approver_share": policy.wrong_approver_share},
            )  # fmt: skip

    def _consulted(self) -> Iterator[Finding]:
        """EVD-04: a planned C was not asked in a case before its decision, the first approval."""
        asked, decided = self.of("consult"), self.of("approve")
        decisions = decided.groupby("case")["ts"].min()
        if "consult" not in self.told or len(decisions) < self.context.policy.min_events:
            return
        limit = self.context.policy.not_consulted_share
        for role in self.then.holders("C"):
            first = (
                asked[asked["role"] == role].groupby("case")["ts"].min().reindex(decisions.index)
            )
            x, n = int((~(first <= decisions)).sum()), len(decisions)
            if x / n > limit:
                yield self._find(
                    "EVD-04", "info", "evidence", row=self.row, ids={"role": role},
                    role=_label(self.context, role), x=x, n=n, share=x / n, measured={"x": x, "n": n},
                    policy={"not_consulted_share": limit},
                )  # fmt: skip

    def _informed(self) -> Iterator[Finding]:
        """EVD-05: a planned I is told too long after the work."""
        told, agreed = self.of("notify"), self.context.policy.inform_hours
        handled = self.of("handle")[["case", "ts"]].sort_values("ts")
        for role in self.then.holders("I"):
            notices = told[told["role"] == role].sort_values("ts")
            if notices.empty:
                continue
            before = pd.merge_asof(
                notices[["case", "ts"]], handled.assign(done=handled["ts"]), on="ts", by="case"
            )
            waits = (before["ts"] - before["done"]).dropna().dt.total_seconds() / 3600
            if len(waits) >= self.context.policy.min_events and waits.median() > agreed:
                hours = float(waits.median())
                yield self._find(
                    "EVD-05", "info", "evidence", row=self.row, ids={"role": role}, hours=hours,
                    role=_label(self.context, role), agreed=agreed,
                    measured={"median_hours": hours, "n": len(waits)}, policy={"inform_hours": agreed},
                )  # fmt: skip


def _roles_in_words(count: int) -> str:
    return {0: "nobody", 1: "1 role"}.get(count, f"{count} roles")


def _most(roles: pd.Series) -> str:
    counts = roles.value_counts().sort_index()
    return str(counts.sort_values(ascending=False, kind="stable").index[0])


def _label(context: Context, role: str) -> str:
    known = context.roles.role(role) if context.roles else None
    return context.labels.get(role) or (known.label if known else role)


def _framed(
    rows: list[dict[str, Any]], columns: list[str], handling: Handling, policy: RaciPolicy
) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=[c for c in columns if c not in ("method", "certainty")])
    frame["method"] = "wilson 95 %"
    frame["certainty"] = certainty(frame["n"].to_numpy("int64"), min_n=policy.min_events)
    counts = ["events", "n", "unmapped", "planned_events", "cases"]
    frame = frame.astype({c: "int64" for c in counts if c in frame})
    return defined(
        frame[columns], *handling.said,
        "Share: of handling events whose actor has a role; planned: holds R, or supports one",
        f"Judged from {policy.min_events} events on",
    )  # fmt: skip
