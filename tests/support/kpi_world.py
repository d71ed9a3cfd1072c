"""Sources that nearly every KPI can be asked of: a log, order lines, support cases and answers, as large as wanted."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

MONTHS, SEGMENTS = 24, 50
NAMES = [
    "offer",
    "accepted",
    "cart",
    "purchase",
    "value",
    "feature",
    "trial",
    "click",
    "impression",
    "self_help",
    *(f"page{i}" for i in range(6)),
]
WORDS = {w: [w] for w in NAMES} | {
    "download": ["page0"],
    "subscribe": ["page1"],
    "referral": ["page2"],
    "recommendation": ["page0"],
    "recommendation_click": ["page1"],
    "payment_failed": ["page2"],
    "payment_attempt": ["page3"],
    "bundle": ["page0"],
    "bundle_taken": ["page1"],
    "registration": ["page0"],
    "attendance": ["page1"],
    "eligible": ["page2"],
    "optout": ["page3"],
    "paid": ["purchase"],
    "task": ["cart"],
    "task_done": ["purchase"],
    "lead": ["page0"],
    "lead_accepted": ["page1"],
    "enquiry": ["page4"],
    "reply": ["page5"],
    "opportunity": ["page0"],
    "won": ["purchase"],
    "lost": ["page4"],
    "referred": ["page2"],
    "delivered": ["value"],
    "affected": ["page4"],
    "told": ["page5"],
    "followup_planned": ["page0"],
    "followup_done": ["page1"],
    "consulted": ["page2"],
    "decision": ["page3"],
    "informed": ["page4"],
    "end": ["purchase"],
    "waiting": ["Handled"],
    "escalated": ["Handled"],
    "article": ["Handled"],
    "abandoned": ["Handled"],
    "reopened": ["Handled"],
    "answered": ["Handled"],
}
OPTIONS = {
    "attach_rate": {"product": "a", "with": "b"},
    "upsell_revenue_share": {"upsell": "a"},
    "time_to_upsell": {"upsell": "a"},
    "conversion_rate": {"steps": "cart > purchase > value"},
    "edge_median": {"source": "cart", "target": "purchase"},
    "variant_share": {"path": "page0"},
    "complaint_rate": {"kinds": "x"},
}
NOT_HERE = {
    "discount_depth",
    "stage_conversion",
    "stage_dwell",
    "path_conformance",
    "response_rate",
    "sus",
    "ces",
}
"""These need a list price, a map with stages, invitations, or questions that nobody was asked here."""


def make(folder, n):
    """Write the four files."""
    rng = np.random.default_rng(1)
    customers, start, span = (
        n // 10,
        np.datetime64("2024-01-01T00:00:00", "us"),
        730 * 86_400 * 10**6,
    )

    def moments(k):
        return start + rng.integers(0, span, k).astype("timedelta64[us]")

    def ids(letter, numbers):
        return pa.array(np.char.add(letter, numbers.astype(str)))

    def write(name, **columns):
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")

    segments = np.array([f"s{i:02d}" for i in range(SEGMENTS)])
    who = np.repeat(rng.integers(0, customers, n // 5), 5)
    at = np.repeat(moments(n // 5), 5) + (
        np.tile(np.arange(5), n // 5) * rng.integers(1, 200 * 10**6, n)
    ).astype("timedelta64[us]")
    write(
        "events",
        customer_id=ids("c", who),
        ts=at,
        event=np.array(NAMES)[rng.integers(0, len(NAMES), n)],
        segment=segments[who % SEGMENTS],
    )
    k = n // 10
    # Customers begin at some time, buy at a rate of their own and drop out unseen.
    buyers, orders = customers // 10, k // 3
    rates = rng.gamma(1.0, 1.0, buyers)
    buyer = rng.choice(buyers, orders, p=rates / rates.sum())
    begun = rng.uniform(0, 0.8 * span, buyers)
    stays = np.minimum(rng.exponential(0.4 * span, buyers), span - begun)
    bought = start + (begun[buyer] + rng.random(orders) * stays[buyer]).astype("timedelta64[us]")
    order = rng.integers(0, orders, k)
    who = buyer[order]
    write(
        "order_lines",
        customer_id=ids("c", who),
        order_id=ids("o", order),
        ts=bought[order],
        product_id=ids("p", rng.integers(0, 500, k)),
        quantity=rng.integers(1, 4, k) * np.where(rng.random(k) < 0.03, -1.0, 1.0),
        unit_price=rng.gamma(2, 20, k),
        margin=rng.gamma(2, 5, k),
        category=np.array(list("abcd"))[rng.integers(0, 4, k)],
        segment=segments[who % SEGMENTS],
    )
    case = np.repeat(np.arange(k), 3)
    at = np.repeat(moments(k), 3) + (
        np.tile([0, 1, 2], k) * rng.integers(1, 48 * 3600 * 10**6, 3 * k)
    ).astype("timedelta64[us]")
    write(
        "tickets",
        case_id=ids("t", case),
        ts=at,
        activity=np.tile(["Opened", "Handled", "Solved"], k),
        actor=ids("a", rng.integers(0, 50, 3 * k)),
        role=np.array(["r1", "r2", "r3"])[rng.integers(0, 3, 3 * k)],
        customer_id=ids("c", case % customers),
        kind=np.array(list("xyz"))[case % 3],
        segment=segments[(case % customers) % SEGMENTS],
    )
    k = n // 20
    who, first = rng.integers(0, customers, k), rng.integers(0, 2, k) == 0
    write(
        "answers",
        respondent_id=ids("r", np.arange(k)),
        ts=moments(k),
        question_id=np.where(first, "csat", "nps"),
        score=np.where(first, rng.integers(1, 6, k), rng.integers(0, 11, k)).astype(float),
        scale=np.where(first, "1-5", "0-10"),
        question_version=np.full(k, "1"),
        customer_id=ids("c", who),
        segment=segments[who % SEGMENTS],
    )
