"""The emotion curve: how customers feel at each touchpoint, judged and measured, side by side."""

from statistics import NormalDist

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis import _

from journey_widgets.definition import defined
from journey_widgets.estimates import CONFIDENCE, MIN_N, certainty
from journey_widgets.events.engine import collect
from journey_widgets.events.paths import PathIndex
from journey_widgets.findings import Finding
from journey_widgets.journey.document import Journey
from journey_widgets.journey.parts import Touchpoint
from journey_widgets.tables import require_columns

LOW, HIGH = -2.0, 2.0
COLUMNS = [
    "touchpoint", "label", "stage", "place", "judged", "judges", "judged_low", "judged_high",
    "value", "n", "people", "low", "high", "method", "certainty",
]  # fmt: skip


def emotion(
    journey: Journey, answers: ir.Table | None = None, *, persona: str | None = None
) -> pd.DataFrame:
    """Put the team's judgement beside what customers answered, touchpoint by touchpoint.

    Parameters
    ----------
    journey
        The map; its order is the order of the curve.
    answers
        Survey answers as the contract has them: ``touchpoint``, ``score`` and ``scale``. Scores of
        whatever scale are placed on -2 to 2, the middle of the scale being 0. Answers without score
        or touchpoint say nothing here.
    persona
        Take only the single judgements about this persona.

    Returns
    -------
    pandas.DataFrame
        One row per touchpoint, in order. Columns: ``touchpoint``, ``label``, ``stage`` (str);
        ``place`` (int64, from 0); ``judged`` (float64), the common judgement, or the mean of the single
        ones where there is none; ``judges`` (int64), single judgements, ``judged_low`` and
        ``judged_high`` (float64), the lowest and highest of them; ``value`` (float64), mean of the
        answers, with ``n``, ``people`` (int64) who gave them, ``low``, ``high``, ``method`` and
        ``certainty``. Missing where nobody judged, or nobody answered.
    """
    measured = _measured(answers)
    rows = []
    for place, t in enumerate(journey.touchpoints):
        judged, ratings = _judged(t, persona)
        rows.append(
            {
                "touchpoint": t.id, "label": t.label, "stage": t.stage, "place": place,
                "judged": judged, "judges": len(ratings),
                "judged_low": min(ratings, default=np.nan),
                "judged_high": max(ratings, default=np.nan),
                **measured.get(t.id, {"value": np.nan, "n": 0, "people": 0, "low": np.nan, "high": np.nan}),
            }
        )  # fmt: skip
    frame = pd.DataFrame(rows, columns=[c for c in COLUMNS if c not in ("method", "certainty")])
    frame = frame.astype({"n": "int64", "people": "int64", "place": "int64", "judges": "int64"})
    frame = frame.assign(method="mean, normal 95 %", certainty=certainty(frame["n"]))
    return defined(
        frame[COLUMNS],
        _mixed(answers),
        "Scale: -2 very bad, 0 neither, 2 very good; answers are placed on it from their own scale",
        "Judged: what the team thinks; measured: the mean of all answers about the touchpoint",
    )


def _mixed(answers: ir.Table | None) -> str:
    """Return where answers to several questions, or versions of one, are put together; blank if nowhere."""
    if answers is None or not {"question_id", "question_version"} <= set(answers.columns):
        return ""
    asked = answers.filter(_.touchpoint.notnull(), _.score.notnull()).select(
        "touchpoint", "question_id", "question_version"
    )
    many = asked.distinct().group_by("touchpoint").agg(n=_.count()).filter(_.n > 1)
    names = sorted(collect(many)["touchpoint"])
    if not names:
        return ""
    return f"Answers to several questions or versions of one are put together at {', '.join(names)}"


def _judged(t: Touchpoint, persona: str | None) -> tuple[float, list[float]]:
    ratings = [r.emotion for r in t.ratings if persona is None or r.persona == persona]
    if t.emotion is not None and persona is None:
        return t.emotion, ratings
    return (float(np.mean(ratings)) if ratings else np.nan), ratings


def _measured(answers: ir.Table | None) -> dict[str, dict[str, float]]:
    if answers is None:
        return {}
    require_columns(answers.columns, "touchpoint", "score", "scale", name="answers")
    limits = r"^(-?\d+)-(-?\d+)$"
    low = answers.scale.re_extract(limits, 1).try_cast("float64")
    high = answers.scale.re_extract(limits, 2).try_cast("float64")
    placed = answers.mutate(placed=LOW + (HIGH - LOW) * (answers.score - low) / (high - low))
    about = placed.filter(_.touchpoint.notnull(), _.placed.notnull())
    found = collect(
        about.group_by("touchpoint").agg(
            n=_.count(), people=_who(about), value=_.placed.mean(), spread=_.placed.std()
        )
    )
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    result = {}
    for name, n, people, mean, spread in found.itertuples(index=False, name=None):
        reach = z * spread / np.sqrt(n) if n > 1 else np.nan
        low, high = max(mean - reach, LOW), min(mean + reach, HIGH)
        result[str(name)] = {
            "value": float(mean),
            "n": int(n),
            "people": int(people),
            "low": low,
            "high": high,
        }
    return result


def _who(answers: ir.Table) -> ir.Value:
    """Return the number of people who gave answers: customers where known, or else respondents."""
    names = [answers[c] for c in ("customer_id", "respondent_id") if c in answers.columns]
    return ibis.coalesce(*names).nunique() if names else answers.count()


def contradictions(curve: pd.DataFrame, *, red: float = 0.0, min_n: int = MIN_N) -> list[Finding]:
    """Return where a judgement is positive and what customers answered may be below the red line.

    `curve` is the result of `emotion`; `red` is on its scale, 0 being neither good nor bad.
    """
    found = []
    columns = ["touchpoint", "label", "judged", "value", "n", "low", "high"]
    for name, label, judged, value, n, low, high in curve[columns].itertuples(
        index=False, name=None
    ):
        if not (judged > 0 and n >= min_n and low < red):
            continue
        found.append(
            Finding(
                code="JRN-09", severity="warn", scope="evidence", ids={"touchpoint": name},
                message=(
                    f"{label}: judged {judged:+.1f}, but {n:,} answers have a mean of {value:+.1f} "
                    f"({low:+.1f} to {high:+.1f})."
                ),
                question="What do customers see that the team does not?",
                fix="Look at the answers, and judge again.",
                measured={"value": value, "low": low, "high": high, "n": n},
                policy={"red": red, "min_n": min_n}, authority="own",
            )
        )  # fmt: skip
    return found


def emotion_by_persona(journey: Journey, answers: ir.Table, index: PathIndex) -> pd.DataFrame:
    """Return the measured curve of each persona that names a segment of the event log.

    Answers need ``customer_id`` beside what `emotion` needs; a customer is in the segment of the
    first event. Personas of whom there is nobody are left out.

    Returns
    -------
    pandas.DataFrame
        The columns of `emotion` with ``persona`` and ``persona_label`` (str) before them, persona after
        persona; ``judged`` holds the judgements made about that persona.
    """
    require_columns(answers.columns, "customer_id", name="answers")
    frames = []
    for persona in journey.personas:
        column, equals, value = (persona.segment or "").partition("=")
        if not equals:
            continue
        if not index.has(column, value):
            continue  # nobody of this index is of that persona
        group = index.where(column, value)
        ids = group.table.filter(_.step == 1).select("customer_id").distinct()
        frame = emotion(journey, answers.semi_join(ids, "customer_id"), persona=persona.id)
        frame.insert(0, "persona", persona.id)
        frame.insert(1, "persona_label", persona.label)
        frames.append(frame)
    if not frames:
        return pd.DataFrame({c: [] for c in ["persona", "persona_label", *COLUMNS]})
    said = dict(frames[0].attrs)
    whole = pd.concat(frames, ignore_index=True)
    whole.attrs = said
    return whole
