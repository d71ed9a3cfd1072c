"""A plan and small sources that are worked out by hand in the tests."""

import pandas as pd

from journey_widgets.upsell import UpsellPlan

PLAN = """\
schema: upsell/1
as_of: "2026-03-31"
outcome: [upgraded]
offers:
  - id: larger
    label: Larger plan
    kind: upsell
    accepted_by: [upgraded]
    undone_by: [downgraded]
    margin: 20.0
    cost: 0.5
    expected: 0.1
    within: 10d
  - id: case
    label: Case
    kind: cross_sell
    products: [case]
    cost: 0.2
    arm: case
moments:
  - id: full
    label: Storage full
    after: full
    window: 7d
    where:
      - {what: usage, event: opened, least: 2, within: 30d}
    touchpoint: offer
    offer: larger
    offered_by: offer
  - id: helped
    label: Helped
    after: help
    window: 14d
    where:
      - {what: behaviour, event: page, least: 2, within: 10d}
      - {what: history, category: phones, within: 60d}
      - {what: profile, column: region, values: [north]}
      - {what: satisfaction, question: csat, least: 4, within: 14d, silent: true}
    touchpoint: help
    offer: case
guards:
  opt_out: [no_offers]
  pressure: {contacts: [offer], most: 2, within: 20d, rest: 3d}
  cooling_off: 2d
trial: {comparison: none, bought: bought, harms: [complained]}
budget: 10.0
held_out: 0.2
counter_measures: [complaint_rate]
"""


def plan(**changes):
    """The plan, with some fields of the whole changed."""
    return UpsellPlan.from_text(PLAN).model_copy(update=changes)


def table(text, **types):
    """A table from lines of words; a first word like 03-05 is a day of 2026, or a minute of it: 03-05T12:00."""
    head, *lines = [line.split() for line in text.splitlines() if line.strip()]
    frame = pd.DataFrame([[None if w == "-" else w for w in line] for line in lines], columns=head)
    if "ts" in frame:
        frame["ts"] = pd.to_datetime("2026-" + frame["ts"], format="mixed")
    return frame.astype(types)


def sources(events="", usage="", lines="", tickets="", answers=""):
    """Sources from lines of words; those that are not given are there and have one row of somebody else."""
    return {
        "events": table("customer_id ts event region\n" + (events + "\nzoe 01-02 page south")),
        "usage": table("customer_id ts event\n" + (usage + "\nzoe 01-02 opened\nzoe 01-03 upgraded\nzoe 01-04 full"
                       "\nzoe 01-05 no_offers\nzoe 01-06 offer\nzoe 01-07 help\nzoe 01-08 downgraded")),
        "order_lines": table(
            "customer_id order_id ts product_id category quantity margin\n" + lines
            + "\nzoe o0 01-02 case extras 1 9.0",
            quantity="float64", margin="float64",
        ),
        "tickets": table(
            "case_id ts activity actor customer_id\n" + tickets + "\nt0 01-02 Opened a zoe\nt0 01-03 Solved a zoe"
        ),
        "answers": table(
            "respondent_id ts question_id score scale question_version customer_id\n" + answers
            + "\nr0 01-02 csat 3 1-5 1 zoe", score="float64",
        ),
    }  # fmt: skip
