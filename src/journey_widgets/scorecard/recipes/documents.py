"""KPIs counted in the documents: how much of the map is known, owned and looked after."""

from collections import Counter
from collections.abc import Callable, Sequence

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from journey_widgets.errors import JourneyDataError
from journey_widgets.journey.evidence import EvidencePolicy, map_quality
from journey_widgets.raci.context import Context
from journey_widgets.raci.document import RaciMatrix
from journey_widgets.raci.handling import read_handling
from journey_widgets.raci.numbers import structure
from journey_widgets.raci.policy import Links, RaciPolicy
from journey_widgets.roles import RoleRegister
from journey_widgets.scorecard.recipes.recipe import STAGE, TOUCHPOINT, UNKNOWN, Asked, Recipe

Rows = Callable[[Asked], ir.Table]


def _today(ask: Asked) -> pd.Timestamp:
    return (
        pd.Timestamp(ask.last)
        if ask.last is not None
        else pd.Timestamp.now("UTC").tz_localize(None)
    )


def _as_rows(ask: Asked, **figures: Sequence[float]) -> ir.Table:
    """Return figures of documents as they are on the day asked for."""
    if ask.by:
        msg = f"{ask.kpi} is counted in documents; it cannot be split by {ask.named[0]}."
        raise JourneyDataError(msg)
    length = len(next(iter(figures.values())))
    now = pa.array([_today(ask).to_pydatetime()] * length, pa.timestamp("us"))
    return ibis.memtable(
        pa.table(
            {
                "ts": now,
                "unit": [str(i) for i in range(length)],
                **{k: list(v) for k, v in figures.items()},
            }
        )
    )


def _quality(kpi: str, counted: str) -> Rows:
    def rows(ask: Asked) -> ir.Table:
        found = map_quality(ask.journey, EvidencePolicy(today=_today(ask).date()))
        row = found[found["kpi"] == kpi].iloc[0]
        return _as_rows(ask, **{counted: [int(row["touchpoints"])], "touchpoints": [int(row["n"])]})

    return rows


def _matrix(ask: Asked) -> RaciMatrix:
    found = ask.sources["raci"]
    if not isinstance(found, RaciMatrix):
        msg = f"{ask.kpi} needs a RACI matrix as sources['raci']; found {type(found).__name__}."
        raise JourneyDataError(msg)
    return found


def _structure(kpi: str, counted: str, base: str) -> Rows:
    def rows(ask: Asked) -> ir.Table:
        journey = ask.journey if kpi == "raci_coverage" else None
        found = structure(_matrix(ask), journey)
        row = found[found["kpi"] == kpi].iloc[0]
        return _as_rows(ask, **{counted: [int(row["count"])], base: [int(row["n"])]})

    return rows


def _accountable(ask: Asked) -> ir.Table:
    """Return the roles that are accountable somewhere: in how many rows."""
    matrix = _matrix(ask)
    context = Context.of(matrix, None, None, RaciPolicy(), Links())
    counts = Counter(role for row in context.rows for role in row.holders(context.accountable))
    many = [float(n) for _role, n in sorted(counts.items())]
    found = _as_rows(ask, a=many or [0.0], roles=[1] * max(len(many), 1))
    return found if many else found.filter(ibis.literal(False))


def _owned_and_measured(ask: Asked) -> ir.Table:
    """Return touchpoints: one accountable role, and a question, a ticket kind or a KPI that measures them."""
    matrix = _matrix(ask)
    context = Context.of(matrix, None, None, RaciPolicy(), Links())
    owned = {r.row.touchpoint for r in context.rows if len(r.holders(context.accountable)) == 1}
    measured = {str(t) for t in str(ask.options["measured"]).split(",")}
    ids = [t.id for t in ask.journey.touchpoints]
    both = len(set(ids) & owned & {m.strip() for m in measured})
    return _as_rows(ask, both=[both], touchpoints=[len(ids)])


def _cross_trained(ask: Asked) -> ir.Table:
    """Return touchpoints: those whose responsible roles are held by two people or more on the day."""
    roles = ask.sources["roles"]
    if not isinstance(roles, RoleRegister):
        msg = f"{ask.kpi} needs a role register as sources['roles']; found {type(roles).__name__}."
        raise JourneyDataError(msg)
    day = _today(ask).date()
    people = {r.id: {h.name for h in r.holders if h.on(day)} for r in roles.roles}
    context = Context.of(_matrix(ask), None, roles, RaciPolicy(), Links())
    able = [
        set().union(*(people.get(role, set()) for role in row.holders(context.responsible)), set())
        for row in context.rows
    ]
    return _as_rows(ask, covered=[sum(len(a) > 1 for a in able)], touchpoints=[len(able)])


def _planned(ask: Asked) -> ir.Table:
    """Return handling events of the support log at their time, and whether a planned role did them."""
    matrix = _matrix(ask)
    roles = ask.sources.get("roles")
    handling = read_handling(
        ask.sources["tickets"],
        matrix,
        roles if isinstance(roles, RoleRegister) else None,
        time_zone=ask.zone,
    )
    events = handling.events
    events = events[
        (events["step"] == "handle") & (events["touchpoint"] != "") & (events["role"] != "")
    ]
    context = Context.of(matrix, None, None, RaciPolicy(), Links())
    planned = {
        (r.row.touchpoint, role) for r in context.rows for role in r.holders(context.responsible)
    }
    did = [pair in planned for pair in zip(events["touchpoint"], events["role"], strict=True)]
    groups = {TOUCHPOINT: events["touchpoint"].astype(str)}
    if STAGE in ask.named:
        stage_of = {t.id: t.stage for t in ask.journey.touchpoints}
        groups[STAGE] = pd.Series(
            [stage_of.get(t, UNKNOWN) for t in events["touchpoint"]], dtype="str"
        )
    strange = [c for c in ask.named if c not in groups]
    if strange:
        msg = f"{ask.kpi} can be split by touchpoint or stage, not by {strange[0]}."
        raise JourneyDataError(msg)
    table = pa.table(
        {
            "ts": pa.array(events["ts"].astype("datetime64[us]")), "unit": pa.array(events["case"].astype(str)),
            "planned": pa.array(did, pa.bool_()).cast(pa.int64()),
            **{b: pa.array(groups[c].astype(str)) for b, c in zip(ask.by, ask.named, strict=True)},
        }
    )  # fmt: skip
    return ask.shared.kept(table).mutate(events=ibis.literal(1))


NOW = "As the documents are on the day asked for."
RECIPES: dict[str, Recipe] = {
    "map_currency": Recipe(
        "journey", _quality("map_currency", "reviewed"), ("reviewed", "touchpoints"), "touchpoints",
        f"{NOW} Reviewed in the last 180 days, with a note or with the whole map.",
    ),
    "evidence_coverage": Recipe(
        "journey", _quality("evidence_coverage", "backed"), ("backed", "touchpoints"), "touchpoints",
        f"{NOW} Touchpoints with a claim that is data-backed.",
    ),
    "raci_valid_rows": Recipe(
        "raci", _structure("raci_valid_rows", "valid", "rows"), ("valid", "rows"), "rows",
        f"{NOW} Rows with exactly one accountable and somebody responsible.",
    ),
    "raci_coverage": Recipe(
        "raci", _structure("raci_coverage", "covered", "touchpoints"), ("covered", "touchpoints"), "touchpoints",
        f"{NOW} Touchpoints of the map with a valid row.", also=("journey",),
    ),
    "accountability_hhi": Recipe(
        "raci", _accountable, ("roles",), "roles", f"{NOW} Rows each role is accountable for.", cases="a",
    ),
    "owner_measured_share": Recipe(
        "raci", _owned_and_measured, ("both", "touchpoints"), "touchpoints",
        f"{NOW} Touchpoints with one accountable role that the option measured names (those a KPI measures).",
        also=("journey",), options={"measured": None},
    ),
    "cross_trained_share": Recipe(
        "raci", _cross_trained, ("covered", "touchpoints"), "touchpoints",
        f"{NOW} Rows whose responsible roles are held by two people or more.", also=("roles",),
    ),
    "raci_conformance": Recipe(
        "tickets", _planned, ("planned", "events"), "events",
        "Handling events whose actor has a role, and those by a role that is planned responsible; by case.",
        also=("raci",), repeats=True,
    ),
}  # fmt: skip
