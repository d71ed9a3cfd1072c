"""Read public data sets by the mapping files alone, and compare with published figures.

    python bench/real_inputs.py DATASETS > bench/real_inputs.md

DATASETS holds one folder per data set, as published. Exit status: number of figures that differ.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from journey_widgets import journey
from journey_widgets.events.source import Source, read
from journey_widgets.textfiles import read_text
from journey_widgets.workspace.settings import Sources

MAPPINGS = Path(__file__).parent.parent / "docs" / "mappings"
Figure = tuple[str, Callable[[Source, pd.DataFrame], object], object]


def check(name: str, column: str = "") -> Callable[[Source, pd.DataFrame], object]:
    def find(source: Source, _table: pd.DataFrame) -> object:
        rows = source.data_check
        rows = rows[(rows["check"] == name) & ((rows["column"] == column) | (column == ""))]
        return int(rows["rows"].iloc[0]) if len(rows) else 0

    return find


def dates(source: Source, _table: pd.DataFrame) -> object:
    return source.data_check.set_index("check").loc["date range", "detail"]


def money(which: str) -> Callable[[Source, pd.DataFrame], object]:
    def find(_source: Source, t: pd.DataFrame) -> object:
        good = (t["quantity"] > 0) & (t["unit_price"] > 0)
        rows = {"all": t, "positive": t[good], "known": t[good & t["customer_id"].notna()]}[which]
        return round(float(rows["amount"].sum()), 2)

    return find


def reached(*steps: str) -> Callable[[Source, pd.DataFrame], object]:
    return lambda source, _t: journey.funnel(source, steps)["customers"].tolist()


def per_case(source: Source, table: pd.DataFrame) -> object:
    return len(journey.variants(as_events(table)))


def as_events(tickets: pd.DataFrame) -> pd.DataFrame:
    chosen = tickets[["case_id", "ts", "activity"]]
    return chosen.set_axis(["customer_id", "ts", "event"], axis=1)


def first_share(_source: Source, table: pd.DataFrame) -> object:
    top = journey.variants(as_events(table)).iloc[0]
    return [top["path"], int(top["customers"])]


def nps(_source: Source, t: pd.DataFrame) -> object:
    s = t.loc[t["question_id"] == "NETPRO", "score"].dropna()
    good, bad = int((s >= 9).sum()), int((s <= 6).sum())
    return [len(s), good, bad, round(100 * (good - bad) / len(s), 1)]


def overall(_source: Source, t: pd.DataFrame) -> object:
    s = t.loc[t["question_id"] == "Q7ALL", "score"].dropna()
    return [round(float(s.mean()), 3), len(s), round(100 * float((s >= 4).mean()), 2)]


def by_arm(column: str, scale: float, digits: int) -> Callable[[Source, pd.DataFrame], object]:
    def find(_source: Source, t: pd.DataFrame) -> object:
        means = t.groupby("arm")[column].mean() * scale
        return [
            round(float(means[a]), digits) for a in ("Mens E-Mail", "Womens E-Mail", "No E-Mail")
        ]

    return find


SETS: list[tuple[str, str, str, list[Figure]]] = [
    ("online_retail", "online_retail", "order_lines", [
        ("lines", check("rows read"), 541_909),
        ("customers", check("customers"), 4_372),
        ("invoices", check("orders"), 25_900),
        ("stock codes", check("products"), 4_070),
        ("lines without customer", check("blank", "customer_id"), 135_080),
        ("duplicate lines", check("duplicate rows"), 5_268),
        ("negative quantities", check("negative quantity"), 10_624),
        ("prices at or below zero", check("price at or below zero"), 2_517),
        ("revenue, all lines", money("all"), 9_747_747.93),
        ("revenue, positive lines", money("positive"), 10_666_684.54),
        ("revenue, positive with customer", money("known"), 8_911_407.90),
        ("cancellation lines", lambda _s, t: int(t["order_id"].str.startswith("C").sum()), 9_288),
        ("dates", dates, "2010-12-01 08:26 to 2011-12-09 12:50 UTC"),
    ]),
    ("eshop_clickstream", "eshop_clickstream", "events", [
        ("clicks", check("rows read"), 165_474),
        ("sessions", check("customers"), 24_026),
        ("clicks a session, mean", lambda _s, t: round(len(t) / t["customer_id"].nunique(), 3), 6.887),
        ("clicks a session, median and most", lambda _s, t: [
            int(t.groupby("customer_id").size().median()), int(t.groupby("customer_id").size().max())], [4, 195]),
        ("countries", lambda _s, t: int(t["country"].nunique()), 47),
        ("models", lambda _s, t: int(t["page 2 (clothing model)"].nunique()), 217),
    ]),
    ("ecom_synthetic", "ecom_synthetic", "events", [
        ("events", check("rows read"), 31_106),
        ("event names", check("touchpoints"), 19),
        ("first and last day", lambda _s, t: [f"{t['ts'].min():%Y-%m-%d}", f"{t['ts'].max():%Y-%m-%d}"],
         ["2024-01-04", "2024-06-29"]),
    ]),
    ("bpic2012_loan_funnel", "bpic2012", "events", [
        ("events", check("rows read"), 262_200),
        ("cases", check("customers"), 13_087),
        ("activities", check("touchpoints"), 24),
        ("variants", lambda s, _t: len(journey.variants(s)), 4_366),
        ("submitted … approved", reached(
            "A_SUBMITTED", "A_PREACCEPTED", "A_ACCEPTED", "O_SENT", "O_SENT_BACK", "A_APPROVED"),
         [13_087, 7_367, 5_113, 5_015, 3_254, 2_246]),
        ("mean events a case", lambda _s, t: round(len(t) / t["customer_id"].nunique(), 2), 20.04),
        ("mean amount", lambda _s, t: round(float(t.groupby("customer_id")["value"].first().mean()), 2), 13_573.36),
        ("events without resource", lambda _s, t: int(t["org:resource"].isna().sum()), 18_010),
    ]),
    ("incident_log", "incident_log", "tickets", [
        ("rows", check("rows read"), 141_712),
        ("tickets", check("cases"), 24_918),
        ("groups", check("roles"), 78),
        ("assignees", check("actors"), 234),
        ("reopened, %", lambda _s, t: round(
            100 * float((t.groupby("case_id")["reopen_count"].last() > 0).mean()), 2), 1.10),
        ("reassigned, %", lambda _s, t: round(
            100 * float((t.groupby("case_id")["reassignment_count"].last() > 0).mean()), 2), 45.63),
        ("SLA met, %", lambda _s, t: round(100 * float(t.groupby("case_id")["made_sla"].last().mean()), 2), 63.42),
    ]),
    ("incident_log", "incident_log_original", "tickets", [
        ("rows", check("rows read"), 5_998),
        ("unreadable times", check("unreadable", "ts"), 0),
    ]),
    ("helpdesk", "helpdesk", "tickets", [
        ("events", check("rows read"), 21_348),
        ("tickets", check("cases"), 4_580),
        ("activities", check("activities"), 14),
        ("people", check("actors"), 22),
        ("variants", per_case, 226),
        ("most frequent path", first_share,
         ["Assign seriousness -> Take in charge ticket -> Resolve ticket -> Closed", 2_366]),
    ]),
    ("sfo_survey", "sfo_survey_2016", "answers", [
        ("respondents", check("respondents"), 3_087),
        ("overall: mean, n, top two boxes %", overall, [4.038, 2_919, 80.99]),
    ]),
    ("sfo_survey", "sfo_survey_2017", "answers", [
        ("respondents", check("respondents"), 2_831),
        ("overall: mean, n, top two boxes %", overall, [4.064, 2_688, 82.07]),
        ("NPS: n, promoters, detractors, score", nps, [2_746, 1_436, 342, 39.8]),
    ]),
    ("hillstrom_email", "hillstrom_email", "trials", [
        ("people", check("rows read"), 64_000),
        ("equal rows kept", check("duplicate rows"), 6_562),
        ("visit by arm, %", by_arm("visit", 100, 2), [18.28, 15.14, 10.62]),
        ("conversion by arm, %", by_arm("conversion", 100, 2), [1.25, 0.88, 0.57]),
        ("spend a head by arm", by_arm("spend", 1, 5), [1.42262, 1.07720, 0.65279]),
    ]),
    ("otto_sample", "otto", "events", [
        ("events", check("rows read"), 862),
        ("sessions", check("customers"), 20),
        ("clicks, carts, orders", lambda _s, t: [int((t["event"] == e).sum()) for e in ("clicks", "carts", "orders")],
         [800, 52, 10]),
    ]),
]  # fmt: skip


def main(folder: Path) -> int:
    """Print the table; return how many figures differ."""
    print("# Real inputs: found against published\n")
    print("Made by `python bench/real_inputs.py DATASETS`; mappings in `docs/mappings/`.\n")
    print("| data set | read in, s | figure | published | found | |\n|---|--:|---|---|---|---|")
    wrong = 0
    for where, mapping_name, kind, figures in SETS:
        sources = Sources.from_text(
            read_text(MAPPINGS / f"{mapping_name}.yaml"), where=mapping_name
        )
        mapping = sources.mapping(kind)
        assert mapping is not None
        begun = time.perf_counter()
        source = read(kind, folder / where / str(mapping.file), mapping)
        seconds = time.perf_counter() - begun
        table = source.to_pandas()
        for label, find, expected in figures:
            found = find(source, table)
            wrong += found != expected
            mark = "equal" if found == expected else "**differs**"
            print(f"| {mapping_name} | {seconds:.1f} | {label} | {expected} | {found} | {mark} |")
    return wrong


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
