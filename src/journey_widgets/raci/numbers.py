"""Numbers of a matrix: structure, load of each role, who does what in each stage, and one role's card."""

import numpy as np
import pandas as pd

from journey_widgets.definition import defined
from journey_widgets.errors import DocumentError, did_you_mean
from journey_widgets.journey.document import Journey
from journey_widgets.raci.context import Context
from journey_widgets.raci.document import RaciMatrix
from journey_widgets.raci.loads import loads
from journey_widgets.raci.matrix_rules import concentration
from journey_widgets.raci.policy import Links, RaciPolicy
from journey_widgets.roles import RoleRegister


def structure(matrix: RaciMatrix, journey: Journey | None = None) -> pd.DataFrame:
    """Measure how complete and how concentrated a matrix is.

    Returns
    -------
    pandas.DataFrame
        One row per number: ``raci_valid_rows`` (rows with exactly one A and at least one R, of all rows),
        ``raci_coverage`` (touchpoints of the journey with a valid row, of all; only with a journey),
        ``density`` (cells filled, of all), ``accountability_hhi`` (sum of squared shares of A, 1 over it being
        the number of effective owners). Columns: ``kpi`` (str), ``value`` (float64), ``count``, ``n`` (Int64;
        missing for the HHI), ``meaning`` (str).
    """
    context = _context(matrix, journey)
    valid = [
        r.row.touchpoint for r in context.rows
        if len(r.holders(context.accountable)) == 1 and r.holders(context.responsible)
    ]  # fmt: skip
    rows = [
        (
            "raci_valid_rows",
            len(valid),
            len(context.rows),
            "exactly one accountable, somebody responsible",
        )
    ]
    if journey is not None:
        ids = {t.id for t in journey.touchpoints}
        rows.append(
            ("raci_coverage", len(ids & set(valid)), len(ids), "touchpoints with a valid row")
        )
    filled = sum(len(r.cells) for r in context.rows)
    rows.append(("density", filled, len(context.rows) * len(matrix.roles), "cells filled"))
    frame = pd.DataFrame(rows, columns=["kpi", "count", "n", "meaning"])
    with np.errstate(invalid="ignore", divide="ignore"):
        frame["value"] = frame["count"] / frame["n"]
    hhi = concentration(context)
    owners = (
        f"as if {1 / hhi:.2f} roles held all accountability" if hhi else "nobody is accountable"
    )
    last = {"kpi": "accountability_hhi", "value": np.nan if hhi is None else hhi, "meaning": owners}
    frame = pd.concat([frame, pd.DataFrame([last])], ignore_index=True)
    types = {"count": "Int64", "n": "Int64", "value": "float64"}
    return frame[["kpi", "value", "count", "n", "meaning"]].astype(types)


def load(
    matrix: RaciMatrix, roles: RoleRegister | None = None, policy: RaciPolicy | None = None
) -> pd.DataFrame:
    """Return the letters and the load of each role.

    Returns
    -------
    pandas.DataFrame
        One row per role, in column order. Columns: ``role``, ``label`` (str); one per letter of the scheme
        (int64), rows in which the role holds it; ``load`` (float64), sum over rows of volume x weight of the
        letters, a row without volume counting once; ``load_share`` of all load; ``capacity`` (float64, missing
        where none is set); ``over`` (bool).
    """
    policy = policy or RaciPolicy()
    context = _context(matrix, None)
    carried = loads(context.rows, policy.load_weights)
    total = sum(carried.values())
    rows = []
    for role in matrix.roles:
        cells = list(context.column(role.id))
        known = roles.role(role.id) if roles else None
        capacity = np.nan if known is None or known.capacity is None else known.capacity
        weight = carried.get(role.id, 0.0)
        rows.append(
            {
                "role": role.id, "label": role.label,
                **{x: sum(x in letters for letters in cells) for x in matrix.letters.letters},
                "load": weight, "load_share": weight / total if total else np.nan,
                "capacity": capacity, "over": bool(weight > capacity),
            }
        )  # fmt: skip
    columns = ["role", "label", *matrix.letters.letters, "load", "load_share", "capacity", "over"]
    words = ", ".join(f"{x} {w:g}" for x, w in policy.load_weights.items())
    return defined(
        pd.DataFrame(rows, columns=columns),
        f"Load: volume of a row (1 where none is given) x weight of the letter ({words}), added up",
    )


def stage_roll_up(matrix: RaciMatrix, journey: Journey | None = None) -> pd.DataFrame:
    """Count for each stage who holds which letter in what share of its rows.

    Returns
    -------
    pandas.DataFrame
        One row per stage and role that holds a letter there, stages in the order of the journey, or of the
        matrix. Columns: ``stage``, ``stage_label``, ``role``, ``role_label`` (str); one per letter (int64), rows
        of the stage in which the role holds it; ``rows`` (int64) of the stage; ``leads`` (str), the letters that
        the role holds in most of the stage's rows.
    """
    context = _context(matrix, journey)
    stage_of = {t.id: t.stage for t in journey.touchpoints} if journey else {}
    labels = {s.id: s.label for s in journey.stages} if journey else {}
    found = [stage_of.get(r.row.touchpoint, r.row.stage or "") for r in context.rows]
    order = [s for s in (*labels, *dict.fromkeys(found)) if s in found]
    letters = list(matrix.letters.letters)
    rows = []
    for stage in dict.fromkeys(order):
        inside = [r for r, s in zip(context.rows, found, strict=True) if s == stage]
        for role in matrix.roles:
            counts = {x: sum(x in r.cells.get(role.id, ()) for r in inside) for x in letters}
            if not any(counts.values()):
                continue
            most = [x for x, n in counts.items() if n > len(inside) / 2]
            rows.append(
                {
                    "stage": stage, "stage_label": labels.get(stage, stage or "(no stage)"), "role": role.id,
                    "role_label": role.label, **counts, "rows": len(inside), "leads": "/".join(most),
                }
            )  # fmt: skip
    columns = ["stage", "stage_label", "role", "role_label", *letters, "rows", "leads"]
    return pd.DataFrame(rows, columns=columns)


def role_card(
    matrix: RaciMatrix, role: str, journey: Journey | None = None, policy: RaciPolicy | None = None,
    links: Links | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Return everything one role must do, row by row.

    Parameters
    ----------
    matrix, journey, policy
        The matrix, the journey its touchpoints are in, and the weights of the letters.
    role
        Id of a role of the matrix; another one is a `DocumentError` with near names.
    links
        Interventions and their owners, KPIs and theirs.

    Returns
    -------
    pandas.DataFrame
        One row per touchpoint where the role holds a letter, and per intervention and KPI it owns. Columns, str
        unless said: ``kind`` (``"touchpoint"``, ``"intervention"``, ``"kpi"``), ``id``, ``label``, ``stage_label``,
        ``letters``, ``means``, ``kpis``, ``with`` (roles responsible or accountable beside it), ``volume``,
        ``load`` (float64), ``note``.
    """
    if role not in {r.id for r in matrix.roles}:
        msg = f"The matrix has no role {role!r}. {did_you_mean(role, [r.id for r in matrix.roles])}"
        raise DocumentError(msg)
    policy, links = policy or RaciPolicy(), links or Links()
    context = _context(matrix, journey)
    kpis = {t.id: t.kpis for t in journey.touchpoints} if journey else {}
    stages = {s.id: s.label for s in journey.stages} if journey else {}
    meanings = {x: m.partition(":")[2].strip() or m for x, m in matrix.letters.letters.items()}
    rows = []
    for row in context.rows:
        held = row.cells.get(role)
        if not held:
            continue
        letters = [x for x in meanings if x in held]
        beside = {
            r: "/".join(x for x in context.deciding() if x in row.cells[r])
            for r in row.cells
            if r != role and any(x in row.cells[r] for x in context.deciding())
        }
        volume = 1.0 if row.row.volume is None else row.row.volume
        rows.append(
            {
                "kind": "touchpoint", "id": row.row.touchpoint, "label": row.row.label,
                "stage_label": stages.get(row.row.stage or "", row.row.stage or ""), "letters": "/".join(letters),
                "means": "; ".join(meanings[x] for x in letters),
                "kpis": ", ".join(k.replace("_", " ") for k in kpis.get(row.row.touchpoint, ())),
                "with": ", ".join(f"{context.labels[r]} ({x})" for r, x in beside.items()), "volume": row.row.volume,
                "load": volume * sum(policy.load_weights.get(x, 0.0) for x in letters), "note": row.row.note or "",
            }
        )  # fmt: skip
    rows += [
        {"kind": "intervention", "id": i, "label": label, "means": "carries it out"}
        for i, (label, owner) in links.interventions.items() if owner == role
    ]  # fmt: skip
    rows += [
        {"kind": "kpi", "id": k, "label": k.replace("_", " "), "means": "acts when it turns red"}
        for k, owner in links.kpi_owners.items() if owner == role
    ]  # fmt: skip
    columns = [
        "kind",
        "id",
        "label",
        "stage_label",
        "letters",
        "means",
        "kpis",
        "with",
        "volume",
        "load",
        "note",
    ]
    frame = pd.DataFrame(rows, columns=columns)
    texts = [c for c in columns if c not in ("volume", "load")]
    return frame.fillna(dict.fromkeys(texts, "")).astype({"volume": "float64", "load": "float64"})


def _context(matrix: RaciMatrix, journey: Journey | None) -> Context:
    return Context.of(matrix, journey, None, RaciPolicy(), Links())
