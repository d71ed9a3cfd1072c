"""MBG/NBD and Pareto/NBD: published values, and what happens to made-up customers; RFM by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from journey_widgets.definition import definition
from journey_widgets.errors import JourneyDataError
from journey_widgets.upsell import MbgNbd, ParetoNbd, fit_bg_nbd, fit_mbg_nbd, fit_pareto_nbd, rfm

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def summary():
    return pd.read_csv(DATA / "cdnow_summary.csv.gz")


def test_the_published_parameters_of_the_modified_model_come_back(summary):
    found = fit_mbg_nbd(summary)
    assert (found.r, found.alpha, found.a, found.b) == pytest.approx(
        (0.525, 6.183, 0.891, 1.614), abs=6e-4
    )
    assert found.log_likelihood > fit_bg_nbd(summary).log_likelihood
    assert found.aic == pytest.approx(8 - 2 * found.log_likelihood)


def test_the_published_parameters_of_pareto_nbd_come_back(summary):
    found = fit_pareto_nbd(summary)
    assert (found.r, found.alpha, found.s, found.beta) == pytest.approx(
        (0.553, 10.578, 0.606, 11.669), abs=2e-3
    )
    assert found.log_likelihood == pytest.approx(-9594.98, abs=0.01)


def test_daily_buyers_do_not_break_pareto_nbd():
    rng = np.random.default_rng(1)
    rate, life = rng.gamma(2, 0.3, 300), rng.exponential(1 / rng.gamma(2, 1 / 900, 300))
    rows = []
    for own, end in zip(rate, np.minimum(life, 700), strict=True):
        bought = np.cumsum(rng.exponential(1 / own, 2_000))
        bought = bought[bought <= end]
        rows.append((len(bought), bought[-1] if len(bought) else 0.0, 700.0))
    found = fit_pareto_nbd(pd.DataFrame(rows, columns=["x", "t_x", "T"]))
    assert np.isfinite(found.log_likelihood)
    alive = ParetoNbd(2, 0.5, 1, 900).alive(100, 50, 60)
    assert 0 < float(alive) < 1


def made(kind, rng, many=200_000, until=40.0, later=30.0):
    """Customers who buy and drop out as a model says: repeats, the last one, time seen; alive then, repeats later."""
    if kind == "mbg":
        model = MbgNbd(0.8, 5.0, 1.5, 3.0)
        quits = rng.beta(model.a, model.b, many)
        life = np.full(many, np.inf)
    else:
        model = ParetoNbd(0.8, 5.0, 2.0, 30.0)
        quits = np.zeros(many)
        life = rng.exponential(1 / rng.gamma(model.s, 1 / model.beta, many))
    rate = rng.gamma(model.r, 1 / model.alpha, many)
    now, x, t_x, after = np.zeros(many), np.zeros(many, int), np.zeros(many), np.zeros(many, int)
    alive = rng.random(many) >= quits  # one may drop out right after the first purchase
    there = alive.copy()
    while there.any():
        now[there] += rng.exponential(1 / rate[there])
        came = there & (now < np.minimum(life, until + later))
        early = came & (now <= until)
        x[early] += 1
        t_x[early] = now[early]
        after[came & ~early] += 1
        goes = came & (rng.random(many) < quits)
        alive[goes & (now <= until)] = False
        there = came & ~goes
    alive &= life > until
    return model, x, t_x, np.full(many, until), alive, after


@pytest.mark.parametrize("kind", ["mbg", "pareto"])
def test_of_made_up_customers_as_many_are_there_and_buy_again_as_the_model_says(kind):
    model, x, t_x, seen, alive, after = made(kind, np.random.default_rng(1))
    told = model.alive(x, t_x, seen)
    assert alive.mean() == pytest.approx(told.mean(), abs=0.004)
    expected = model.expected(30.0, x, t_x, seen)
    assert after.mean() == pytest.approx(expected.mean(), rel=0.03)
    assert x.mean() == pytest.approx(float(model.expected_new(40.0)), rel=0.03)
    for low, high in ((0, 0.5), (0.5, 0.9), (0.9, 1.0)):
        own = (told > low) & (told <= high)
        if own.sum() > 2_000:
            assert alive[own].mean() == pytest.approx(told[own].mean(), abs=0.015)


def test_whoever_bought_once_need_not_be_there_any_more(summary):
    assert fit_bg_nbd(summary).alive(0, 0, 38.86) == 1.0
    assert 0.3 < float(fit_mbg_nbd(summary).alive(0, 0, 38.86)) < 0.5
    assert 0.2 < float(fit_pareto_nbd(summary).alive(0, 0, 38.86)) < 0.4


def test_several_horizons_are_several_rows(summary):
    for fit in (fit_mbg_nbd, fit_pareto_nbd):
        model = fit(summary)
        x, t_x, seen = (summary[c].to_numpy()[:5] for c in ("x", "t_x", "T"))
        both = model.expected([10, 20], x, t_x, seen)
        assert both.shape == (2, 5)
        assert both[1] == pytest.approx(model.expected(20, x, t_x, seen))
        assert (both[1] >= both[0]).all()


@pytest.mark.parametrize("fit", [fit_mbg_nbd, fit_pareto_nbd])
def test_without_repeats_there_is_nothing_to_learn(fit):
    with pytest.raises(JourneyDataError, match="0 customers bought again"):
        fit(pd.DataFrame({"x": [0, 0], "t_x": [0.0, 0.0], "T": [3.0, 4.0]}))


# RFM


def orders(*rows):
    found = pd.DataFrame(rows, columns=["customer_id", "ts", "amount"])
    return found.assign(
        ts=pd.to_datetime(found["ts"]), order_id=range(len(found)), product_id="p", quantity=1.0
    )


def test_scores_by_hand():
    table = orders(
        *[(f"c{n}", f"2026-01-{n:02d}", 10.0 * n) for n in range(1, 11)],
        ("c1", "2026-01-02", 500.0),
    )
    found, cuts = rfm(table)
    own = found.set_index("customer_id")
    assert own.loc["c10", ["recency", "frequency", "monetary"]].tolist() == [0, 1, 100.0]
    assert own.loc["c1", ["recency", "frequency", "monetary"]].tolist() == [8, 2, 510.0]
    assert cuts["recency"] == [1.0, 3.0, 5.0, 7.0]
    assert [own.loc[f"c{n}", "r"] for n in (10, 9, 8, 1)] == [5, 5, 4, 1]
    assert own.loc["c1", "m"] == 5
    assert found["customer_id"].iloc[0] == "c10"


def test_with_cuts_that_were_kept_nobody_moves_because_others_did():
    table = orders(*[(f"c{n}", f"2026-01-{n:02d}", 10.0 * n) for n in range(1, 11)])
    before, cuts = rfm(table, until="2026-01-31")
    more = pd.concat(
        [table, orders(*[(f"new{n}", "2026-01-30", 5_000.0) for n in range(20)])], ignore_index=True
    )
    after, same = rfm(more, until="2026-01-31", cuts=cuts)
    assert same == cuts
    both = before.merge(after, on="customer_id")
    assert (both["rfm_x"] == both["rfm_y"]).all()
    moved = before.merge(rfm(more, until="2026-01-31")[0], on="customer_id")
    assert (moved["rfm_x"] != moved["rfm_y"]).any()
    assert "cut points as given" in definition(after)


def test_what_came_back_later_was_not_known_then():
    table = pd.concat(
        [
            orders(("a", "2026-01-05", 30.0)),
            orders(("a", "2026-02-10", -30.0)).assign(quantity=-1.0),
        ]
    )
    table = pd.concat([table, orders(("b", "2026-01-06", 10.0))], ignore_index=True)
    assert set(rfm(table, until="2026-01-31")[0]["customer_id"]) == {"a", "b"}
    assert set(rfm(table)[0]["customer_id"]) == {"b"}


def test_a_day_begins_where_the_company_is():
    table = orders(("a", "2026-01-31 23:30", 10.0), ("a", "2026-02-01 00:30", 10.0))
    assert rfm(table)[0]["frequency"].tolist() == [2]
    assert rfm(table, zone="Europe/Rome")[0]["frequency"].tolist() == [1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"amount": None}, "1 order lines have no amount"),
        ({"customer_id": None}, "nobody can be scored"),
    ],
)
def test_lines_that_cannot_be_scored_are_said(change, said):
    table = orders(("a", "2026-01-05", 30.0)).astype({"customer_id": "object"}).assign(**change)
    with pytest.raises(JourneyDataError, match=said):
        rfm(table.astype({"amount": "float64"}))


def test_equal_customers_have_equal_scores():
    found, _cuts = rfm(orders(*[(f"c{n}", "2026-01-05", 10.0) for n in range(30)]))
    assert found["rfm"].nunique() == 1


@pytest.mark.parametrize(
    "cuts",
    [
        {},
        {"recency": [1, 2, 3]},
        {"recency": [4, 3, 2, 1], "frequency": [1] * 4, "monetary": [1] * 4},
    ],
)
def test_cuts_that_cannot_be_are_refused(cuts):
    with pytest.raises(JourneyDataError, match="four rising numbers"):
        rfm(orders(("a", "2026-01-01", 1.0)), cuts=cuts)
