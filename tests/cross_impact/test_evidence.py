"""What data say of a cell, beside what was judged: against slow counting, planted truths, and known conflicts."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journey_widgets import Workspace, read_answers, read_tickets
from journey_widgets.cross_impact import (
    CrossImpact,
    conflicts,
    evidence,
    lagged,
    later_visits,
    repeat_contacts,
    scores_together,
)
from journey_widgets.cross_impact.observed import COLUMNS
from journey_widgets.errors import JourneyDataError
from journey_widgets.events.paths import path_index
from support.indexes import index_of

PATHS = st.lists(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=6), min_size=40, max_size=90
)


def log_of(paths):
    return index_of([(f"c{i:04d}", s, n) for i, p in enumerate(paths) for s, n in enumerate(p)])


def without_repeats(path):
    return [n for i, n in enumerate(path) if not i or path[i - 1] != n]


def counted_slowly(paths, source, target):
    """Mantel and Haenszel's odds ratio, customer by customer and step by step."""
    above = below = 0.0
    for d in range(1, 31):
        a = b = c = e = 0
        for path in map(without_repeats, paths):
            first = path.index(source) + 1 if source in path else math.inf
            if len(path) < d or path[d - 1] == target:
                continue
            later = target in path[d:]
            if first == d:
                a, b = a + later, b + (not later)
            elif first > d:
                c, e = c + later, e + (not later)
        n = a + b + c + e
        if n:
            above, below = above + a * e / n, below + b * c / n
    return above / below


@settings(max_examples=60, deadline=None)
@given(PATHS)
def test_odds_of_a_later_visit_are_those_of_counting_every_step(paths):
    found = later_visits(log_of(paths))
    assert list(found.columns) == COLUMNS
    for row in found.itertuples():
        if not counted_slowly(paths, row.source, row.target):
            continue  # nobody reached it: half a customer is added
        assert row.value == pytest.approx(counted_slowly(paths, row.source, row.target))
        assert row.low <= row.value <= row.high
        assert row.n == sum(row.source in p for p in paths)


def test_a_planted_link_is_found_and_length_of_path_alone_gives_none():
    rng = np.random.default_rng(7)
    paths = []
    for _customer in range(4000):
        path = list(rng.choice(list("abx"), rng.integers(2, 9)))
        if "a" in path:  # after a, every second one goes on to z; others one in eight
            path += ["z"] * (rng.random() < 0.5)
        else:
            path += ["z"] * (rng.random() < 0.125)
        paths.append(path)
    found = later_visits(log_of(paths)).set_index(["source", "target"])
    assert found.loc[("a", "z"), "low"] > 1.5  # others may still come to a, which hides a part
    assert found.loc[("b", "x"), ["low", "high"]].between(1 / 1.5, 1.5).all()


def test_outcomes_may_stand_for_a_touchpoint():
    paths = [["a", "z"]] * 60 + [["b"]] * 60 + [["a"]] * 20 + [["b", "z"]] * 20
    found = later_visits(log_of(paths), ["a", "b"], outcomes={"retention": "z"})
    assert set(found["target"]) == {"retention"}
    assert found.set_index(["source", "target"]).loc[("a", "retention"), "value"] == pytest.approx(
        9
    )
    with pytest.raises(JourneyDataError, match="no touchpoint 'q'"):
        later_visits(log_of(paths), outcomes={"retention": "q"})


def test_repeat_contact_is_a_case_opened_again_or_followed_by_another(tmp_path):
    rows = []
    for i in range(400):
        kind = "Set-up help" if i % 2 else "Warranty"
        day = 1 + i % 20
        rows.append((f"c{i}", f"2026-01-{day:02d}T10:00:00", "opened", "x", kind, f"k{i}"))
        if kind == "Set-up help" and i % 4 == 1:
            rows.append((f"c{i}", f"2026-01-{day:02d}T12:00:00", "Reopened", "x", kind, f"k{i}"))
        if kind == "Warranty" and i % 16 == 0:
            rows.append(
                (f"d{i}", f"2026-01-{day + 5:02d}T12:00:00", "opened", "x", "Other", f"k{i}")
            )
    rows.append(("last", "2026-06-01T10:00:00", "opened", "x", "Other", "k_last"))
    names = ["case_id", "ts", "activity", "actor", "kind", "customer_id"]
    source = read_tickets(pd.DataFrame(rows, columns=names), time_zone="UTC")
    found = repeat_contacts(source).set_index("source")
    # Set-up help: 100 of 200 again. All others: 25 of 225 (the last case is too late to say).
    assert found.loc["set_up_help", "value"] == pytest.approx((100 * 200) / (100 * 25))
    assert found.loc["set_up_help", "n"] == 200
    assert found.loc["set_up_help", "low"] > 4


def test_a_persons_later_score_is_held_against_the_earlier_one():
    rng = np.random.default_rng(3)
    rows = []
    for i in range(300):
        felt = rng.normal()
        early = int(np.clip(round(3 + felt + rng.normal() * 0.5), 1, 5))
        rows += [
            (f"p{i}", "2026-01-01", "delivery", early, "1-5", "1"),
            (f"p{i}", "2026-02-01", "nps", int(np.clip(round(7 + 2 * felt + rng.normal()), 0, 10)), "0-10", "1"),
            (f"p{i}", "2026-03-01", "later", int(rng.integers(1, 6)), "1-5", "1"),
        ]  # fmt: skip
    names = ["respondent_id", "ts", "question_id", "score", "scale", "question_version"]
    source = read_answers(pd.DataFrame(rows, columns=names), time_zone="UTC")
    questions = {"delivery": "delivery", "nps": "advocacy", "later": "effort"}
    found = scores_together(source, questions).set_index(["source", "target"])
    assert found.loc[("delivery", "advocacy"), "low"] > 0.5
    assert found.loc[("delivery", "effort"), "low"] < 0 < found.loc[("delivery", "effort"), "high"]
    assert ("advocacy", "delivery") not in found.index  # nobody answered it before
    assert found["signed"].all()


def test_a_lagged_effect_is_found_in_its_direction_and_two_trends_are_none():
    rng = np.random.default_rng(5)
    n = 120
    cause = rng.normal(size=n)
    effect = np.r_[0.0, 0.8 * cause[:-1]] + rng.normal(size=n) * 0.3
    trend = np.arange(n)
    series = pd.DataFrame({
        "checkout": cause, "satisfaction": effect,
        "one": trend * 0.1 + rng.normal(size=n), "other": trend * 0.2 + rng.normal(size=n),
    })  # fmt: skip
    found = lagged(series).set_index(["source", "target"])
    assert found.loc[("checkout", "satisfaction"), "low"] > 0.8
    assert found.loc[("satisfaction", "checkout"), "high"] < 0.3
    assert found.loc[("one", "other"), "low"] < 0 < found.loc[("one", "other"), "high"]
    assert (found["n"] == n - 2).all()


def test_a_partial_correlation_is_the_one_of_its_formula():
    rng = np.random.default_rng(2)
    series = pd.DataFrame(rng.normal(size=(40, 2)), columns=["a", "b"])
    a, b = series["a"].to_numpy(), series["b"].to_numpy()
    whole = np.column_stack([a[1:-1], b[2:], b[1:-1], a[:-2], np.arange(38)])
    inverse = np.linalg.inv(np.corrcoef(whole.T))
    expected = -inverse[0, 1] / math.sqrt(inverse[0, 0] * inverse[1, 1])
    assert lagged(series).set_index("source").loc["a", "value"] == pytest.approx(expected)


# Beside the judgement


def observed(*rows):
    return pd.DataFrame(rows, columns=COLUMNS)


def seen(source, target, value, low, high, p, measure="odds ratio", signed=False):
    return (source, target, value, low, high, p, measure, signed, 500, "m")


JUDGED = pd.DataFrame(
    [[None, 3, 0, 1], [0, None, 2, 3], [None, 0, None, 3], [0, 0, 0, None]],
    ["a", "b", "c", "d"], ["a", "b", "c", "d"],
)  # fmt: skip


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (seen("a", "b", 1.02, 0.9, 1.2, 0.7), "experts high, data none"),
        (seen("a", "c", 3.0, 2.5, 3.6, 0.0), "data high, experts none"),
        (seen("a", "c", 1.6, 1.5, 1.7, 0.001), "more in the data"),
        (seen("a", "c", 0.2, 0.1, 0.3, 0.0), "related, direction open"),
        (seen("b", "c", 3.0, 2.5, 3.6, 0.0), "related, direction open"),
        (seen("b", "a", 1.0, 0.9, 1.1, 0.9), "agree: little there"),
        (seen("a", "d", 1.0, 0.9, 1.1, 0.9), "weaker in the data"),
        (seen("b", "d", 1.0, 0.3, 3.0, 0.9), "data cannot tell"),
        (seen("b", "d", -0.4, -0.5, -0.3, 0.0, "correlation", True), "sign conflict"),
        (seen("b", "d", 0.4, 0.3, 0.5, 0.0, "correlation", True), "agree"),
        (seen("b", "d", 0.4, 0.3, 0.5, 0.0, "odds ratio"), "related, direction open"),
        (seen("b", "d", 0.15, 0.05, 0.25, 0.001, "correlation", True), "weaker in the data"),
        (seen("c", "a", 3.0, 2.5, 3.6, 0.0), "not judged"),
    ],
)
def test_each_verdict_is_given_where_it_holds(row, verdict):
    found = evidence(JUDGED, observed(row)).set_index(["source", "target"])
    assert found.loc[row[:2], "verdict"] == verdict


def test_judgement_and_data_are_kept_apart_and_cells_without_data_say_so():
    found = evidence(JUDGED, observed(seen("a", "b", 1.02, 0.9, 1.2, 0.7)))
    row = found.iloc[0]
    assert row[["expert", "value", "low", "high", "n"]].tolist() == [3, 1.02, 0.9, 1.2, 500]
    assert (found["verdict"].iloc[1:] == "no data").all()
    assert conflicts(found)["source"].tolist() == ["a"]


def test_sizes_are_ranked_within_target_and_method_for_reading_only():
    table = observed(
        seen("a", "d", 0.25, 0.2, 0.3, 0.0), seen("b", "d", 2.0, 1.5, 3, 0.0), seen("c", "d", 3.0, 2, 4, 0.0)
    )  # fmt: skip
    found = evidence(JUDGED, table).set_index("source")["strength"].dropna()
    assert found.to_dict() == {"a": 3.0, "b": 0.0, "c": 1.5}


def test_many_looks_at_chance_call_nothing_high():
    names = [f"f{i}" for i in range(10)]
    judged = pd.DataFrame(np.zeros((10, 10)), names, names)
    called = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        found = evidence(judged, lagged(pd.DataFrame(rng.normal(size=(60, 10)), columns=names)))
        called += (found["verdict"] == "data high, experts none").any()
    assert called <= 3  # with nothing to find, one log in twenty may call something


def test_observations_of_other_names_are_counted_and_not_lost_in_silence():
    found = evidence(JUDGED, observed(seen("a", "zzz", 2, 1, 3, 0.1)))
    assert (
        "1 observations are about relations the matrix has no cell for" in found.attrs["definition"]
    )
    with pytest.raises(JourneyDataError, match="An observation has the columns"):
        evidence(JUDGED, pd.DataFrame({"source": ["a"]}))


def test_raters_spans_stand_beside_what_the_analyses_rest_on():
    cells = [{"a": {"b": {"value": v}}} for v in (1, 3)]
    panel = CrossImpact.from_body({
        "factors": [{"id": i, "label": i} for i in "ab"],
        "raters": [{"id": f"r{i}", "label": f"R{i}", "cells": c} for i, c in enumerate(cells)],
    })  # fmt: skip
    row = evidence(panel, observed(seen("a", "b", 3.0, 2.5, 3.6, 0.0))).iloc[0]
    assert row[["expert", "expert_low", "expert_high", "raters"]].tolist() == [2, 1, 3, 2]


def test_the_shop_log_gives_evidence_for_its_own_touchpoints(tmp_path):
    space = Workspace.create(tmp_path / "shop", template="online_shop")
    index = path_index(space.events())
    names = [t.id for t in space.journey.touchpoints]
    found = later_visits(index, names).set_index(["source", "target"])
    # Whoever reaches the basket is far more likely to pay than others just as far.
    strongest = found.sort_values("value").index[-1]
    assert found.loc[strongest, "low"] > 2
    assert set(found.index.get_level_values(0)) <= set(names)


def nulls(paths_of, pairs, seeds=40, n=1500):
    """How often chance calls something, over all `pairs` and seeds."""
    called = total = 0
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        found = later_visits(log_of([paths_of(rng) for _ in range(n)])).set_index(
            ["source", "target"]
        )
        for pair in pairs:
            called += found.loc[pair, "p_value"] < 0.05
            total += 1
    return called / total


def test_a_target_that_ends_the_path_and_one_that_is_visited_again_give_no_false_relation():
    def ending(rng):
        path = []
        for _step in range(12):
            path.append("z" if rng.random() < 0.12 else str(rng.choice(list("abc"))))
            if path[-1] == "z":
                break
        return path

    def sticky(rng):
        path = []
        for _step in range(rng.integers(3, 10)):
            again = path and path[-1] == "z" and rng.random() < 0.6
            path.append("z" if again else str(rng.choice(list("abcz"))))
        return path

    assert nulls(ending, [("a", "z"), ("b", "z")]) <= 0.12
    assert nulls(sticky, [("a", "z"), ("b", "z")]) <= 0.12


def test_what_everybody_reaches_is_a_strong_relation_and_not_missing_data():
    rng = np.random.default_rng(1)
    paths = []
    for _customer in range(1000):
        if rng.random() < 0.5:
            paths.append(["home", "offer", "buy"])
        else:
            paths.append(["home", "info"] + ["buy"] * (rng.random() < 0.3))
    row = later_visits(log_of(paths)).set_index(["source", "target"]).loc[("offer", "buy")]
    assert row["low"] > 20


def test_pairs_with_too_few_customers_are_left_out_and_counted():
    found = later_visits(log_of([["a", "z"]] * 3 + [["b", "a"]] * 200))
    assert ("a", "z") not in set(zip(found["source"], found["target"], strict=True))
    assert "pairs have too few customers to compare" in found.attrs["definition"]


def test_series_that_carry_on_with_themselves_give_no_false_relation():
    called = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        shocks = rng.normal(size=(80, 2))
        walk = np.cumsum(shocks, axis=0) if seed % 2 else shocks
        found = lagged(pd.DataFrame(walk, columns=["a", "b"]), lag=1 + seed % 3)
        called += (found["p_value"] < 0.05).sum()
    assert called / 120 <= 0.11


def test_answers_of_the_same_moment_have_no_direction():
    rows = [
        (f"p{i}", "2026-01-01", q, i % 5, "1-5", "1") for i in range(100) for q in ("one", "two")
    ]
    names = ["respondent_id", "ts", "question_id", "score", "scale", "question_version"]
    source = read_answers(pd.DataFrame(rows, columns=names), time_zone="UTC")
    assert scores_together(source, {"one": "a", "two": "b"}).empty
    with pytest.raises(JourneyDataError, match="no answer is to 'thre'"):
        scores_together(source, {"one": "a", "thre": "b"})


def test_raters_who_oppose_each_other_are_no_judgement_of_nothing():
    cells = [{"a": {"b": {"value": v}}} for v in (-3, 3)]
    panel = CrossImpact.from_body({
        "factors": [{"id": i, "label": i} for i in "ab"],
        "raters": [{"id": f"r{i}", "label": f"R{i}", "cells": c} for i, c in enumerate(cells)],
    })  # fmt: skip
    row = evidence(panel, observed(seen("a", "b", 5.0, 4.0, 6.0, 0.0))).iloc[0]
    assert row["verdict"] == "experts disagree"


@pytest.mark.parametrize(
    ("series", "words"),
    [
        (pd.DataFrame({"a": [1.0, np.inf] * 10, "b": range(20)}), "finite numbers"),
        (pd.DataFrame({"a": ["x"] * 20, "b": range(20)}), "finite numbers"),
        (pd.DataFrame({"a": range(20)}, pd.date_range("2026-01-01", periods=20)[::-1]), "run forwards"),
        (pd.DataFrame({"a": range(3)}, pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-09"])), "gap after"),
        (pd.DataFrame(), "a whole number from 1, and more periods"),
    ],
)  # fmt: skip
def test_series_that_cannot_be_compared_are_refused(series, words):
    with pytest.raises(JourneyDataError, match=words):
        lagged(series)


def test_a_page_that_is_loaded_again_and_again_gives_no_false_relation():
    def sticky(rng):
        path = [str(rng.choice(list("abz")))]
        for _step in range(9):
            path.append(path[-1] if rng.random() < 0.7 else str(rng.choice(list("abz"))))
        return path

    assert nulls(sticky, [("a", "z"), ("b", "z")], n=800) <= 0.12


def test_of_the_few_who_all_reached_it_little_is_certain():
    paths = [["a", "z"]] * 25 + [["b", "z"]] * 500 + [["b"]] * 500
    row = later_visits(log_of(paths), ["a", "b"]).set_index(["source", "target"])
    assert ("a", "z") not in row.index or row.loc[("a", "z"), "high"] / row.loc[
        ("a", "z"), "low"
    ] > 20


def test_an_agreement_settles_what_raters_disagreed_on():
    cells = [{"a": {"b": {"value": v}}} for v in (-1, 3)]
    panel = CrossImpact.from_body({
        "factors": [{"id": i, "label": i} for i in "ab"],
        "raters": [{"id": f"r{i}", "label": f"R{i}", "cells": c} for i, c in enumerate(cells)],
        "consensus": {"a": {"b": {"value": 3}}},
    })  # fmt: skip
    row = evidence(
        panel, observed(seen("a", "b", -0.5, -0.6, -0.4, 0.0, "correlation", True))
    ).iloc[0]
    assert row["verdict"] == "sign conflict"


def test_instants_of_a_frame_finer_than_microseconds_or_with_a_time_zone_are_taken():
    cases = [(f"k{i}", "r" if i % 3 else "s", f"c{i // 2}") for i in range(120)]
    frame = pd.DataFrame(cases, columns=["case_id", "kind", "customer_id"]).assign(
        activity="opened"
    )
    start = pd.Timestamp("2026-01-01").as_unit("ns")
    plain = frame.assign(ts=start + pd.to_timedelta(frame.index * 36, unit="h"))
    fine = plain.assign(ts=plain["ts"] + pd.Timedelta(1, "ns"))
    zoned = plain.assign(ts=plain["ts"].dt.tz_localize("UTC").dt.tz_convert("Asia/Tokyo"))
    expected = repeat_contacts(plain)
    assert len(expected)
    for other in (fine, zoned):
        pd.testing.assert_frame_equal(repeat_contacts(other), expected)


def test_one_group_less_without_any_changes_the_error_and_not_the_ratio():
    paths = [["a"]] * 35 + [["b"]] + [["a", "c"]] * 2 + [["b", "a", "c"]] * 2

    found = later_visits(log_of(paths), ["a", "c"]).set_index(["source", "target"])

    row = found.loc[("a", "c")]
    assert row["value"] == pytest.approx(counted_slowly(paths, "a", "c"))
