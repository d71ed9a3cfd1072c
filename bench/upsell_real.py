"""Hold the upsell functions against published figures of public data sets, or say what they answer there.

    python bench/upsell_real.py DATASETS > bench/upsell_real.md

DATASETS holds one folder per data set, as published. Exit status: how many figures are not as published.
"""

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd

from journey_widgets import upsell
from journey_widgets.errors import JourneyError
from journey_widgets.upsell.days import days_of

Row = tuple[str, str, Any, Any, bool]
FEES = (
    "POST",
    "DOT",
    "M",
    "D",
    "C2",
    "S",
    "BANK CHARGES",
    "AMAZONFEE",
    "CRUK",
    "gift_*",
    "PADS",
    "B",
)


def refused(ask: Callable[[], object]) -> str:
    try:
        ask()
    except JourneyError as error:
        return f"refused: {str(error).partition(':')[0]}"
    return "answered"


def groceries(folder: Path) -> Iterator[Row]:
    found = pd.read_parquet(folder / "groceries" / "groceries_long.parquet")
    lines = pd.DataFrame(
        {
            "order_id": found.iloc[:, 0].astype(str),
            "product_id": found["item"].astype(str),
            "quantity": 1.0,
        }
    )
    baskets = upsell.baskets(lines)
    for support, confidence, longest, rules in (
        (0.001, 0.8, 6, 410),
        (0.006, 0.25, 4, 463),
        (0.01, 0.5, 4, 15),
    ):
        many = len(upsell.bundles(baskets, support=support, confidence=confidence, longest=longest))
        yield (
            f"rules at support {support}, confidence {confidence}, up to {longest} things",
            "arules",
            many,
            rules,
            many == rules,
        )
    pairs = upsell.bundles(baskets, support=0.003)
    top = pairs[
        (pairs["left"] == ("root vegetables",)) & (pairs["right"] == "other vegetables")
    ].iloc[0]
    yield (
        "root vegetables, other vegetables: orders with both, lift",
        "arules",
        [int(top["count"]), round(float(top["lift"]), 4)],
        [466, 2.2466],
        int(top["count"]) == 466 and abs(top["lift"] - 2.2466) < 1e-4,
    )


def online_retail(folder: Path) -> Iterator[Row]:
    o = pd.read_parquet(folder / "online_retail" / "online_retail.parquet")
    customers = o["CustomerID"].astype("Int64").astype("string").astype(object)
    lines = pd.DataFrame(
        {
            "customer_id": customers.where(o["CustomerID"].notna(), None), "order_id": o["InvoiceNo"].astype(str),
            "product_id": o["StockCode"].astype(str), "ts": pd.to_datetime(o["InvoiceDate"]),
            "quantity": o["Quantity"].astype(float), "unit_price": o["UnitPrice"].astype(float),
        }
    )  # fmt: skip
    codes = lines["product_id"].str.match(r"^\d{5}")
    own = lines[
        lines["customer_id"].notna()
        & (lines["quantity"] > 0)
        & ~lines["order_id"].str.startswith("C")
        & codes
    ]
    for mode, bar, name in (("new", 0.095, "EASE"), ("repeat", 0.28, "own recent purchases")):
        found = upsell.next_offers(own, mode=mode, cut="2011-10-01", days=30)
        best = found.report.loc[found.report["ndcg"].idxmax()]
        yield (
            f"next offer, {mode}: NDCG of the best way ({found.winner} is used)",
            f"at least {bar} by {name}",
            round(best["ndcg"], 4),
            bar,
            best["ndcg"] >= bar,
        )
    pairs = upsell.bundles(lines, support=0.01, leave_out=FEES)
    yield (
        "pairs and triples at support 0.01, returns and fees left out; certainly beyond chance",
        "–",
        [len(pairs), int(pairs["real"].sum())],
        "–",
        True,
    )
    bought = upsell.purchases(lines, unit="week")
    value = upsell.expected_value(bought, 26)
    yield (
        "value within 26 weeks a customer: median, mean",
        "–",
        [round(float(value["value"].median())), round(float(value["value"].mean()))],
        "–",
        True,
    )


def cdnow(folder: Path) -> Iterator[Row]:
    rows = pd.read_csv(folder / "cdnow" / "cdnow_customers_summary_with_transactions.csv")
    names = {
        "ID": "customer_id",
        "frequency": "x",
        "recency": "t_x",
        "monetary_value": "m",
        "zbar": "m",
    }
    rows = rows.rename(columns=names)
    bg, gg = upsell.fit_bg_nbd(rows), upsell.fit_gamma_gamma(rows)
    for what, found, published, within in (
        ("BG/NBD: r, alpha", (bg.r, bg.alpha), (0.2426, 4.4136), (2e-4, 2e-3)),
        ("BG/NBD: a, b", (bg.a, bg.b), (0.7929, 2.4259), (2e-3, 4e-3)),
        ("BG/NBD: log-likelihood", (bg.log_likelihood,), (-9582.429,), (0.005,)),
        ("gamma-gamma: p, q, v", (gg.p, gg.q, gg.v), (6.25, 3.74, 15.44), (6e-3, 6e-3, 1.2e-2)),
    ):  # fmt: skip
        fits = all(abs(a - b) <= w for a, b, w in zip(found, published, within, strict=True))
        yield what, "Fader, Hardie and Lee", [round(v, 4) for v in found], list(published), fits


def hillstrom(folder: Path) -> Iterator[Row]:
    rows = pd.read_csv(folder / "hillstrom_email" / "hillstrom.csv.gz")
    rows = rows.assign(arm=rows["segment"])
    two = rows[rows["arm"] != "Womens E-Mail"]
    found = upsell.trial(
        two, ["visit", "conversion", "spend"], comparison="No E-Mail", before="history"
    )
    own = found.set_index("outcome")
    for outcome, published in (
        ("visit", (0.07658956365, 0.06995330808, 0.08322674127)),
        ("conversion", (0.00680500652, 0.005014344671, 0.008640723397)),
        ("spend", (0.7698271559, 0.4851397326, 1.054514579)),
    ):  # fmt: skip
        got = tuple(own.loc[outcome, ["difference", "low", "high"]].astype(float))
        yield (
            f"Mens E-Mail: {outcome}, difference and interval",
            "recomputed by others",
            [round(v, 5) for v in got],
            [round(v, 5) for v in published],
            np.allclose(got, published, atol=1e-6),
        )
    adjusted = [round(float(own.loc["spend", c]), 5) for c in ("adjusted", "variance_kept")]
    yield (
        "spend allowing for history: difference, variance kept",
        "recomputed by others",
        adjusted,
        [0.76744, 0.99956],
        adjusted == [0.76744, 0.99956],
    )
    women = rows[rows["arm"] != "Mens E-Mail"]
    features = ["recency", "history", "mens", "womens", "zip_code", "newbie", "channel"]
    ranked = upsell.uplift(women, "visit", features, arm="Womens E-Mail", comparison="No E-Mail")
    band = f"{ranked.qini:.4f} ({ranked.low:.4f} to {ranked.high:.4f})"
    yield (
        "Womens E-Mail: ranking visits by uplift, Qini with its band; " + ranked.advice,
        "–",
        band,
        "–",
        True,
    )
    odd = rows[
        (rows["arm"] != "Womens E-Mail") & ((rows["arm"] != "No E-Mail") | (rows.index % 3 == 0))
    ]
    yield (
        "two thirds of those left alone taken away",
        "sample ratio",
        refused(lambda: upsell.trial(odd, ["visit"], comparison="No E-Mail")),
        "refused: The arms are not of the sizes that were planned",
        True,
    )


def bank_marketing(folder: Path) -> Iterator[Row]:
    rows = pd.read_csv(folder / "bank_marketing" / "bank-additional-full.csv.gz", sep=";")
    rows = rows.assign(did=(rows["y"] == "yes").astype(int), arm="called")
    arms = {"arm": "called", "comparison": "not called"}
    for what, ask in (
        ("trial", lambda: upsell.trial(rows, ["did"], comparison="not called")),
        ("uplift", lambda: upsell.uplift(rows, "did", ["age"], **arms)),
        ("ROI", lambda: upsell.trial_return(rows, revenue="did", margin=0.5, cost=1, horizon="a", **arms)),
    ):  # fmt: skip
        got = refused(ask)
        yield (
            f"everybody was called: {what}",
            "must be refused",
            got,
            "refused",
            got.startswith("refused"),
        )
    day = pd.to_datetime(np.where(np.arange(len(rows)) % 3 < 2, "2010-01-01", "2010-06-01"))
    table = rows.assign(
        date=day,
        label=rows["did"],
        label_until=day + pd.Timedelta(days=30),
        known_at=day - pd.Timedelta(days=1),
    )
    late = table.assign(known_at=day + pd.Timedelta(days=1))
    got = refused(lambda: upsell.propensity(late, ["age", "duration"]))
    yield (
        "duration of the call, known after the day of the score (days made up)",
        "must be refused",
        got,
        "refused",
        got.startswith("refused"),
    )
    few = upsell.propensity(table, ["age", "duration", "campaign", "pdays", "previous"])
    yield (
        "duration declared as known before: area, first doubt",
        "–",
        f"{few.report.auc[0]:.3f}; {next((d for d in few.doubts if 'duration' in d), 'no doubt')}",
        "–",
        any("duration" in d for d in few.doubts),
    )


def telco(folder: Path) -> Iterator[Row]:
    rows = pd.read_parquet(folder / "telco_churn" / "telco_churn.parquet")
    rows = rows.assign(arm=rows["contract"].astype(str), left=(rows["churn"] == "Yes").astype(int))
    shares = rows.groupby("arm")["left"].mean().round(4).tolist()
    yield (
        "left, by contract (month, one year, two years)",
        "recomputed by others",
        shares,
        [0.4271, 0.1127, 0.0283],
        shares == [0.4271, 0.1127, 0.0283],
    )
    got = refused(lambda: upsell.trial(rows, ["left"], comparison="Month-to-month"))
    yield (
        "contracts compared as if by chance",
        "sample ratio",
        got,
        "refused",
        got.startswith("refused"),
    )
    got = refused(
        lambda: upsell.propensity(rows.assign(label=rows["left"]), ["tenure", "monthly_charges"])
    )
    yield (
        "who will leave, without any day",
        "must be refused",
        got,
        "refused",
        got.startswith("refused"),
    )


def ecom(folder: Path) -> Iterator[Row]:
    rows = pd.read_csv(folder / "ecom_synthetic" / "ecom.csv.gz")
    log = pd.DataFrame(
        {
            "customer_id": rows["user_id"].astype(str),
            "ts": pd.to_datetime(rows["timestamp"]),
            "event": rows["event"],
        }
    )
    found = upsell.moments(days_of(ibis.memtable(log), zone="UTC"), ["purchase"], "7d")
    called = found.loc[found["verdict"] == "moment", "touchpoint"].tolist()
    naive = found.sort_values("naive", ascending=False).iloc[0]
    yield "moments before a purchase within 7 days, of all events", "–", called or "none", "–", True
    yield (
        "what the usual lift would have called first",
        "–",
        f"{naive['touchpoint']} ({naive['naive']:.1f} times; {naive['verdict']})",
        "–",
        True,
    )


SETS = (groceries, online_retail, cdnow, hillstrom, bank_marketing, telco, ecom)


def main(folder: Path) -> int:
    print("# Upsell on public data\n\nMade by `python bench/upsell_real.py DATASETS`.\n")
    print(
        "| data set | seconds | what | whose figure | found | published | |\n|---|---|---|---|---|---|---|"
    )
    off = 0
    for ask in SETS:
        begun = time.perf_counter()
        rows = list(ask(folder))
        took = f"{time.perf_counter() - begun:.1f}"
        for what, whose, found, published, fits in rows:
            off += not fits
            word = ("as published" if fits else "DIFFERS") if published != "–" else ""
            print(
                f"| {ask.__name__} | {took} | {what} | {whose} | {found} | {published} | {word} |"
            )
    return off


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
