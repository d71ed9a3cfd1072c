"""KPIs counted in a trial: what the offer did beyond what would have happened anyway."""

import ibis
import ibis.expr.types as ir

from journey_widgets.errors import JourneyDataError
from journey_widgets.events.engine import collect
from journey_widgets.scorecard.recipes.recipe import Asked, Recipe
from journey_widgets.tables import require_columns

TRIALS, CONTACTS = "trials", "contacts"


def _arms(ask: Asked, *columns: str) -> ir.Table:
    """Return the units of two arms: ``treated`` (bool), and outcome columns as numbers."""
    table = ask.table("arm")
    if ask.recipe.source == CONTACTS and "bought" in table.columns:
        table = table.filter(table.bought.notnull())  # nobody knows it yet
    if ask.recipe.source == CONTACTS and "compared" in table.columns:
        # What only filled a plan has no other side.
        table = table.filter(table.compared.fill_null(1) != 0)
    require_columns(table.columns, *columns, name=ask.recipe.source)
    arms = [
        str(a)
        for a in collect(table.select(arm=table.arm.cast("string")).distinct().order_by("arm"))[
            "arm"
        ]
    ]
    for option in ("arm", "comparison"):
        if str(ask.options[option]) not in arms:
            msg = f"{ask.kpi}: {option} is {ask.options[option]!r}; the trial has {', '.join(map(repr, arms))}."
            raise JourneyDataError(msg)
    chosen = table.filter(
        table.arm.cast("string").isin([str(ask.options["arm"]), str(ask.options["comparison"])])
    )
    name = next((c for c in ("cluster", "customer_id", "unit_id") if c in table.columns), None)
    unit = chosen[name].cast("string") if name else ibis.row_number().cast("string")
    moment = {"ts": "ts"} if "ts" in table.columns else {}
    return chosen.select(
        *ask.by, unit=unit, treated=(chosen.arm.cast("string") == str(ask.options["arm"])).cast("int32"), **moment,
        **{f"outcome:{c}": chosen[c].cast("float64").fill_null(0.0) for c in columns},
    )  # fmt: skip


def _shares(ask: Asked) -> ir.Table:
    found = _arms(ask, str(ask.options["outcome"]))
    did = (found[f"outcome:{ask.options['outcome']}"] > 0).cast("int32")
    kept = ["ts"] if "ts" in found.columns else []
    return found.select(
        *kept, *ask.by, "unit", kt=did * found.treated, nt=found.treated, kc=did * (1 - found.treated),
        nc=1 - found.treated,
    )  # fmt: skip


def _revenue(ask: Asked) -> ir.Table:
    column = str(ask.options["revenue"])
    columns = [column, *(["cost"] if "cost" in ask.recipe.figures else [])]
    found = _arms(ask, *columns)
    kept = ["ts"] if "ts" in found.columns else []
    more = {"cost": found["outcome:cost"] * found.treated} if "cost" in columns else {}
    return found.select(
        *kept, *ask.by, "unit", rt=found[f"outcome:{column}"] * found.treated, nt=found.treated,
        rc=found[f"outcome:{column}"] * (1 - found.treated), nc=1 - found.treated, **more,
    )  # fmt: skip


def _expected(ask: Asked) -> ir.Table:
    found = _arms(ask, "bought", "expected")
    did = (found["outcome:bought"] > 0).cast("int32")
    return found.select(
        "ts", *ask.by, "unit", kt=did * found.treated, nt=found.treated, kc=did * (1 - found.treated),
        nc=1 - found.treated, et=found["outcome:expected"] * found.treated,
    )  # fmt: skip


ARMS = {"arm": None, "comparison": None}
SAID = "Units of the arm and of the comparison that they were randomised against, by what they were given."
RECIPES: dict[str, Recipe] = {
    "upsell_uplift_abs": Recipe(
        TRIALS, _shares, ("kt", "nt", "kc", "nc"), "nt+nc", f"{SAID} Option outcome: column of the outcome.",
        options={**ARMS, "outcome": None},
    ),
    "upsell_uplift_rel": Recipe(
        TRIALS, _shares, ("kt", "nt", "kc", "nc"), "nt+nc", f"{SAID} Option outcome: column of the outcome.",
        options={**ARMS, "outcome": None}, repeats=True,
    ),
    "board_calibration": Recipe(
        CONTACTS, _expected, ("kt", "nt", "kc", "nc", "et"), "nt+nc",
        "Contacts of earlier plans and customers left alone by chance, by the day of the plan; bought says who did, a "
        "blank that nobody knows.",
        options={"arm": "contacted", "comparison": "left alone"},
        repeats=True,
    ),
    "incremental_revenue": Recipe(
        TRIALS, _revenue, ("rt", "nt", "rc", "nc"), "nt+nc", f"{SAID} Option revenue: column of the revenue.",
        options={**ARMS, "revenue": None}, repeats=True,
    ),
    "upsell_roi": Recipe(
        TRIALS, _revenue, ("rt", "nt", "rc", "nc", "cost"), "nt+nc",
        f"{SAID} Option revenue: column of the revenue; margin: its share that is gross profit. Cost: of the arm.",
        options={**ARMS, "revenue": None, "margin": None}, repeats=True,
        derived={"inc_gp": "margin*(rt/nt-rc/nc)*nt"},
    ),
}  # fmt: skip
