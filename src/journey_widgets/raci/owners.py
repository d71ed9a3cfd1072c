"""Who answers for each touchpoint: the link from any figure to a role."""

import pandas as pd

from journey_widgets.journey.document import Journey
from journey_widgets.raci.document import RaciMatrix

NOBODY = "nobody yet"


def owners(matrix: RaciMatrix) -> pd.DataFrame:
    """Return one row per row of the matrix.

    Columns, all str: ``touchpoint``; ``accountable``, ``responsible``, labels of the roles, joined
    by commas, or ``"nobody yet"``.
    """
    scheme = matrix.letters

    def named(row_index: int, letter: str | None) -> str:
        row = matrix.rows[row_index]
        roles = matrix.holders(row, letter) if letter else []
        return ", ".join(matrix.role_label(r) for r in roles) or NOBODY

    return pd.DataFrame(
        {
            "touchpoint": [r.touchpoint for r in matrix.rows],
            "accountable": [named(i, scheme.accountable) for i in range(len(matrix.rows))],
            "responsible": [named(i, scheme.responsible) for i in range(len(matrix.rows))],
        }
    ).astype("str")


def with_owners(
    frame: pd.DataFrame, matrix: RaciMatrix, journey: Journey, *, on: str = "step"
) -> pd.DataFrame:
    """Add ``label``, ``stage_label``, ``accountable`` and ``responsible`` to rows about touchpoints.

    `on` names the column of touchpoint ids. Touchpoints without a row get ``"nobody yet"``.
    """
    known = journey.to_frame()[["touchpoint", "label", "stage_label"]]
    joined = frame.merge(known, left_on=on, right_on="touchpoint", how="left")
    joined = joined.drop(columns=["touchpoint"] if on != "touchpoint" else [])
    joined = joined.merge(
        owners(matrix), left_on=on, right_on="touchpoint", how="left", suffixes=("", "_")
    )
    joined = joined.drop(
        columns=[c for c in ("touchpoint", "touchpoint_") if c != on], errors="ignore"
    )
    fill = {"accountable": NOBODY, "responsible": NOBODY, "stage_label": ""}
    joined = joined.fillna(fill)
    return joined.assign(label=joined["label"].fillna(joined[on]))
