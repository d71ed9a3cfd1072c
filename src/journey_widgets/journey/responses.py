"""Who answered: a survey's answers against the invitations sent, question by question."""

import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis import _

from journey_widgets.definition import defined
from journey_widgets.estimates import certainty, wilson
from journey_widgets.events.engine import collect
from journey_widgets.tables import require_columns

UNKNOWN, TOO_MANY = "invitations unknown", "more answers than invitations"
COLUMNS = [
    "question_id", "question_version", "scale", "answered", "blank", "invited", "response_rate", "low", "high",
    "method", "certainty",
]  # fmt: skip


def response_rates(answers: ir.Table, invitations: ir.Table | None = None) -> pd.DataFrame:
    """Count for each question, in each version of its wording, who was asked and who answered.

    Parameters
    ----------
    answers
        As the contract has them: ``respondent_id``, ``question_id``, ``question_version``, ``scale``,
        ``score``.
    invitations
        As the contract has them: ``question_id``, perhaps ``question_version`` and ``invited``; rows
        of one question are added up. Invitations that name no version are meant for all versions of the
        question together.

    Returns
    -------
    pandas.DataFrame
        One row per question and version, in order of name. Columns: ``question_id``,
        ``question_version``, ``scale`` (str; several joined by a comma); ``answered`` (int64), respondents
        with a score; ``blank`` (int64), those without; ``invited`` (Int64), missing where nobody knows;
        ``response_rate`` (float64), answered of invited, with ``low``, ``high``, ``method`` and
        ``certainty``: also ``"invitations unknown"`` and ``"more answers than invitations"``, both without
        a rate. A question that was asked and never answered has a row.
    """
    need = ("respondent_id", "question_id", "question_version", "scale", "score")
    require_columns(answers.columns, *need, name="answers")
    by = ["question_id", "question_version"]
    alone = ibis.literal("row ") + ibis.row_number().cast("string")
    named = answers.mutate(
        question_id=answers.question_id.cast("string"),
        question_version=answers.question_version.cast("string").fill_null(""),
        scale=answers.scale.cast("string").fill_null(""),
        respondent_id=answers.respondent_id.cast("string").fill_null(alone),
    )
    person = named.group_by(*by, "respondent_id").agg(
        scored=_.score.notnull().any(), scale=_.scale.min()
    )
    counted = person.group_by(by).agg(
        answered=_.scored.sum(), blank=(~_.scored).sum(), scale=_.scale.collect(distinct=True)
    )
    frame = collect(counted)
    frame["scale"] = [", ".join(sorted(s)) for s in frame["scale"]]
    frame = _with_invited(frame, invitations)
    frame = frame.sort_values(by, ignore_index=True).astype({"answered": "int64", "blank": "int64"})
    known = frame["invited"].notna()
    too_many = known & (frame["answered"] > frame["invited"].fillna(0))
    counts = known & ~too_many & (frame["invited"] > 0)
    for column in ("response_rate", "low", "high"):
        frame[column] = float("nan")
    x, n = (frame.loc[counts, c].to_numpy("int64") for c in ("answered", "invited"))
    frame.loc[counts, "response_rate"] = x / n
    frame.loc[counts, "low"], frame.loc[counts, "high"] = wilson(x, n)
    frame["method"] = "wilson 95 %"
    frame["certainty"] = certainty(frame["invited"].fillna(0).astype("int64"))
    frame.loc[~known, "certainty"] = UNKNOWN
    frame.loc[too_many, "certainty"] = TOO_MANY
    return defined(
        frame[COLUMNS],
        "Answered: respondents who gave a score; blank: those who left the question out",
        "Response rate: answered, of all invited",
    )


def _with_invited(frame: pd.DataFrame, invitations: ir.Table | None) -> pd.DataFrame:
    """Add ``invited`` (Int64) to the answers counted, and the questions nobody answered."""
    if invitations is None:
        return frame.assign(invited=pd.array([pd.NA] * len(frame), dtype="Int64"))
    require_columns(invitations.columns, "question_id", name="invitations")
    table = invitations.mutate(
        question_id=invitations.question_id.cast("string"),
        question_version=(
            invitations.question_version.cast("string").fill_null("")
            if "question_version" in invitations.columns
            else ibis.literal("")
        ),
    )
    many = _.invited.sum() if "invited" in invitations.columns else _.count()
    asked = collect(table.group_by("question_id", "question_version").agg(invited=many))
    asked["invited"] = asked["invited"].astype("Float64").astype("Int64")
    # Where a question's invitations name no version they are meant for all of them together.
    unversioned = set(asked.loc[asked["question_version"] == "", "question_id"])
    frame = _over_versions(frame, unversioned)
    meant = asked["question_id"].isin(unversioned)
    together = asked[meant].groupby("question_id", as_index=False).agg(invited=("invited", "sum"))
    versions = dict(zip(frame["question_id"], frame["question_version"], strict=True))
    together["question_version"] = [versions.get(q, "") for q in together["question_id"]]
    parts: list[pd.DataFrame] = [asked[~meant], together]
    asked = pd.concat(parts, ignore_index=True)
    merged = frame.merge(asked, on=["question_id", "question_version"], how="outer")
    return merged.fillna({"answered": 0, "blank": 0, "scale": "", "question_version": ""})


def _over_versions(frame: pd.DataFrame, questions: set[str]) -> pd.DataFrame:
    """Put the versions of these questions together: their invitations do not tell them apart."""
    chosen = frame["question_id"].isin(questions)
    joined = frame[chosen].groupby("question_id", as_index=False).agg(
        question_version=("question_version", lambda v: ", ".join(sorted(x for x in v if x))),
        answered=("answered", "sum"), blank=("blank", "sum"),
        scale=("scale", lambda s: ", ".join(sorted(set(s)))),
    )  # fmt: skip
    return pd.concat([frame[~chosen], joined], ignore_index=True)
