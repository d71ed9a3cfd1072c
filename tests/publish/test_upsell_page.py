"""The upsell page: every part in every mode, nothing called incremental without a comparison, nothing about few."""

import math
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from journey_widgets import Workspace
from journey_widgets.definition import definition
from journey_widgets.events.engine import collect
from journey_widgets.publish import upsell_page as shown
from journey_widgets.publish import upsell_proof as proof
from journey_widgets.publish import upsell_trials as tried
from journey_widgets.publish.page import PageStopped
from journey_widgets.publish.reports import run_report
from journey_widgets.small_counts import withheld
from journey_widgets.upsell import ScoreReport, UpsellPlan, customers_needed
from journey_widgets.upsell.days import days_of
from journey_widgets.upsell.offer_funnel import FUNNEL_SUMS

PARTS = [
    shown.in_short, shown.what_next, shown.moments, shown.horizons, shown.waiting, shown.owned_moments,
    shown.at_a_moment, shown.what_became, proof.offers, proof.strategies, proof.bundles, proof.next_offer,
    proof.who_will, shown.board, tried.trials, tried.whom, tried.last_contacts, tried.next_trial, proof.beside,
    proof.worth, proof.mending, shown.findings,
]  # fmt: skip
CLAIM = re.compile(r"(?<!not )\bincremental", re.IGNORECASE)


def text_of(view):
    """Every part of the page as the CSV of a report has it, one line each."""
    lines = [line for part in PARTS for line in getattr(part(view), "lines", [])]
    return [
        " | ".join(str(line.get(k, "")) for k in ("part", "name", "figure", "shown"))
        for line in lines
    ]


def as_page(part):
    return part._repr_html_()


def without(workspace, *kinds):
    """The workspace without some of its sources."""
    path = workspace / "sources.yaml"
    kept, skip = [], False
    for line in path.read_text("utf-8").splitlines(keepends=True):
        if re.match(r"\w", line):
            skip = line.split(":")[0] in kinds
        if not skip:
            kept.append(line)
    path.write_text("".join(kept), "utf-8")
    return workspace


@pytest.fixture
def report(monkeypatch):
    monkeypatch.setenv("JOURNEY_MODE", "report")


@pytest.fixture(scope="module")
def view(made_example):
    """The page of the example, in a report, opened once."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("JOURNEY_MODE", "report")
        yield shown.open_upsell(str(made_example))


def test_where_customers_were_drawn_the_page_says_so_and_still_answers_for_each(
    report, view, made_example, monkeypatch
):
    scores, moments, everybody = view.scores, view.moments, len(view.days.customer)
    monkeypatch.setitem(days_of.__kwdefaults__, "most", 12_000)
    drawn = shown.open_upsell(str(made_example))
    assert len(drawn.days.customer) <= 12_000 < everybody
    assert "drawn by chance" in definition(drawn.moments)
    assert set(drawn.moments["touchpoint"]) == set(moments["touchpoint"])
    assert drawn.found_moments["touchpoint"].iloc[0] == view.found_moments["touchpoint"].iloc[0]
    # Whoever may be asked has his reasons, drawn or not: here of a score that is better than chance.
    better = SimpleNamespace(report=SimpleNamespace(auc=(0.8, 0.7, 0.9)), reasons=scores.reasons)
    told = []
    for one in (drawn, view):
        vars(one).pop("likely", None)
        with monkeypatch.context() as patched:
            patched.setitem(vars(one), "scores", better)
            told.append(one.likely)
        vars(one).pop("likely")
    assert told[0] == told[1]
    assert len(told[0]) > 100
    for part in PARTS:
        assert repr(part(drawn)), part.__name__


def test_every_part_says_something_in_a_report(report, view):
    for part in PARTS:
        assert repr(part(view)), part.__name__
    assert "Storage full" in repr(shown.in_short(view))


def test_what_comes_of_a_trial_alone_is_called_incremental(report, view):
    claims = [t for t in text_of(view) if CLAIM.search(t)]

    assert claims
    for text in claims:
        assert "Whether it earned its cost" in text or "| incremental margin" in text, text


def test_without_a_comparison_nothing_is_called_incremental(report, example):
    view = shown.open_upsell(str(without(example, "trials", "contacts")))
    text = text_of(view)

    assert not [t for t in text if CLAIM.search(t)]
    assert any("expected margin, not incremental" in t for t in text)
    assert "left alone by chance nobody can say" in repr(tried.trials(view))
    assert "Make the offer" not in repr(shown.what_next(view))


@pytest.mark.parametrize("name", ["overview", "scorecard"])
def test_no_other_page_calls_anything_incremental_without_a_comparison(example, tmp_path, name):
    run_report(name, workspace=without(example, "trials", "contacts"), out=tmp_path)

    page = re.sub(
        r"<(style|svg)\b.*?</\1>",
        "",
        (tmp_path / f"{name}.html").read_text("utf-8"),
        flags=re.DOTALL,
    )
    assert not CLAIM.search(re.sub(r"<[^>]+>", " ", page))


def test_each_factor_of_a_contact_is_told_with_its_interval_and_who_says_it(report, view):
    page = re.sub(r"<[^>]+>", " ", as_page(shown.board(view)))
    assert re.search(r"\+8\.2 points \(at least \+6\.3\)\s+tested, 679 customers", page)
    assert re.search(r"91% \(87% to 94%\)", page)
    assert "24.00 EUR (the plan)" in page
    assert "ranked by the least it brings (lower 80 % limit)" in page


def test_a_trial_that_shall_show_what_an_offer_earns_is_sized_on_revenue(report, view):
    page = re.sub(r"<[^>]+>", " ", as_page(tried.next_trial(view)))
    assert "How large it has to be to show that it pays" in page
    # 2 (1.96 + 0.84)² (15.27 / 0.78)² for a contact of 0.35 at 45 % margin
    assert re.search(r"Protection plan\s+3\.86 EUR\s+15\.27 EUR\s+45%\s+0\.78 EUR\s+6,048", page)


def test_acceptance_stands_beside_what_it_may_harm(report, view):
    assert any(
        "complained (harm)" in t for t in text_of(view) if t.startswith("What the offers brought")
    )
    assert "No certain harm was seen" in repr(shown.what_next(view))


@pytest.mark.parametrize("missing", ["order_lines", "tickets", "usage"])
def test_a_source_that_is_missing_is_said_and_the_rest_is_there(report, example, missing):
    if missing in ("order_lines", "usage"):
        space = Workspace.open(example)
        plan = space.upsell
        kept = [m for m in plan.moments if m.id == "set_up_cable"]
        offers = tuple(o for o in plan.offers if o.id == "spare_cable")
        changes = {
            "moments": tuple(kept),
            "offers": offers,
            "guards": plan.guards.model_copy(update={"opt_out": ()}),
        }
        changes["trial"] = plan.trial.model_copy(update={"moments": ()})
        if missing == "usage":
            changes |= {"outcome": ("payment",), "caused_by_upgrade": (), "sequences": ()}
            pressure = plan.guards.pressure.model_copy(update={"contacts": ("upgrade_offer",)})
            changes["guards"] = changes["guards"].model_copy(update={"pressure": pressure})
        space.save(plan.model_copy(update=changes))
    view = shown.open_upsell(str(without(example, missing)))

    for part in PARTS:
        assert repr(part(view)), part.__name__


def test_a_workspace_without_a_plan_says_how_to_make_one(report, example):
    space = Workspace.open(example)
    space.save(UpsellPlan().model_copy(update={"label": "Empty"}), base_rev=space.rev("upsell"))
    view = shown.open_upsell(str(example))

    assert "no upsell plan yet" in repr(shown.owned_moments(view))
    assert "under outcome" in repr(shown.moments(view))
    for part in PARTS:
        assert repr(part(view)), part.__name__


def test_a_workspace_that_has_a_log_and_nothing_else_is_told_what_is_missing(report, tmp_path):
    Workspace.create(tmp_path / "log").close()
    people = [f"p{i}" for i in range(12)]
    frame = pd.DataFrame({"who": people, "at": "2026-01-01", "what": ["x", "y"] * 6})
    frame.to_csv(tmp_path / "log" / "log.csv", index=False)
    (tmp_path / "log" / "sources.yaml").write_text(
        "schema: sources/1\nevents:\n  file: log.csv\n  columns: {customer_id: who, ts: at, event: what}\n",
        "utf-8",
    )
    view = shown.open_upsell(str(tmp_path / "log"))

    for part in PARTS:
        assert repr(part(view)), part.__name__


def test_a_segment_is_about_its_customers_alone(report, view, made_example):
    every = view.eligible["customer_id"]
    mobile = shown.open_upsell(str(made_example), segment="device=mobile")

    own = set(mobile.eligible["customer_id"])
    log = mobile.page.log.table
    phones = set(collect(log.filter(log.device == "mobile").select("customer_id"))["customer_id"])
    assert own == set(every) & phones
    for part in PARTS:
        assert repr(part(mobile)), part.__name__


def test_parameters_move_what_they_name(report, made_example):
    view = shown.open_upsell(
        str(made_example),
        budget="5",
        max_contacts="2",
        as_of="2026-06-20",
        min_support=0.2,
        horizon="14d",
        seed=3,
    )

    assert view.board.plan["cost"].sum() <= 5 + 1e-9
    assert view.board.limits.max_contacts == 2
    assert "20 June 2026" in repr(shown.at_a_moment(view))
    assert "14 days" in view.moments.attrs["definition"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"budget": "all of it"}, "budget is 'all of it'; a number from 0 was needed"),
        ({"budget": "-3"}, "a number from 0"),
        ({"max_contacts": "1.5"}, "a whole number from 1"),
        ({"as_of": "soon"}, "a day such as 2026-07-10"),
        ({"seed": 0}, "a whole number from 1"),
        ({"segment": "device=fax"}, "No event has device = 'fax'"),
    ],
)
def test_parameters_that_cannot_be_stop_the_page_in_one_sentence(made_example, given, said):
    with pytest.raises(PageStopped, match=said):
        shown.open_upsell(str(made_example), **given)


def test_a_plan_that_names_what_is_not_there_stops_the_page(example):
    space = Workspace.open(example)
    space.save(space.upsell.model_copy(update={"outcome": ("plan_upgrded",)}))

    with pytest.raises(PageStopped, match="Did you mean 'plan_upgraded'"):
        shown.open_upsell(str(example))


def test_numbers_of_few_customers_are_not_shown(report, view, monkeypatch):
    counts = view.guarded[["eligible", "may_be_asked"]].to_numpy().ravel()
    least = int(counts.max()) + 1
    monkeypatch.setattr(type(view.page), "least", least)

    lines = [
        line for part in (shown.at_a_moment, shown.what_became) for line in part(view).lines
        if line["part"] not in ("Picture", "In words")
    ]  # fmt: skip
    for line in lines:
        value = line.get("value")
        assert value is None or value == 0 or value >= least, line
    assert any(f"fewer than {least}" in line["shown"] for line in lines)


def test_where_one_count_is_hidden_so_is_another_it_could_be_told_from(report, view, monkeypatch):
    least = int(view.funnel.loc[view.funnel["customers"] > 0, "customers"].min()) + 1
    monkeypatch.setattr(type(view.page), "least", least)

    shown_ = {
        (line["part"], line["figure"], line["name"]): line["shown"]
        for part in (shown.at_a_moment, shown.what_became) for line in part(view).lines
    }  # fmt: skip
    assert f"fewer than {least}" in shown_.values()
    for m in view.plan.moments:
        own = view.funnel[view.funnel["moment"] == m.id].set_index("step")["customers"]
        out = withheld({str(s): int(n) for s, n in own.items()}, FUNNEL_SUMS, least)
        told = {
            n: t for (p, f, n), t in shown_.items() if f == m.label and p.startswith("Eligible")
        }
        for step in out:
            told_step = next(t for n, t in told.items() if n.lower().endswith(step))
            assert told_step.startswith(("hidden", "fewer than", "–")), (m.id, step, told_step)


def test_harms_that_nothing_tells_are_not_said_to_be_none(report, example):
    view = shown.open_upsell(str(without(example, "tickets")))

    lines = [
        line for line in shown.what_became(view).lines if line["part"].startswith("Acceptance")
    ]
    cases = {line["shown"] for line in lines if line["figure"] == "Opened a case"}
    assert cases == {"not known"}
    assert any("%" in line["shown"] for line in lines if line["figure"] == "Opted out")


def test_what_must_not_grow_stands_beside_the_offers_with_its_figure_or_that_there_is_none(
    report, view
):
    lines = proof.beside(view).lines
    shown_ = {line["name"]: line for line in lines if line["figure"] == "Value"}

    assert set(shown_) == {"Offer opt-out rate", "Complaint rate", "Return rate"}
    returned = shown_["Return rate"]
    assert 0 < returned["low"] < returned["value"] < returned["high"] < 0.2
    assert any("May 2026" in str(line["shown"]) for line in lines)  # June's returns may still come
    assert shown_["Complaint rate"]["shown"] == "not counted yet"


def test_customers_are_worth_what_the_model_says_and_groups_add_up(report, view):
    lines = [line for line in proof.worth(view).lines if line["figure"] == "All of them together"]
    found = {line["name"]: line["value"] for line in lines}

    assert found["All"] == pytest.approx(view.worth["value"].sum())
    assert found["device: mobile"] + found["device: desktop"] == pytest.approx(found["All"])


def test_a_part_of_a_number_that_is_told_is_hidden_where_it_would_tell_a_small_one(
    view, monkeypatch
):
    monkeypatch.setattr(type(view.page), "least", 5)

    assert view.hidden_parts([3, 40, 70]) == [True, True, False]
    assert view.hidden_parts([40, 70]) == [False, False]


def test_uplift_is_not_told_without_what_it_earned(report, view):
    assert "after its cost: profit" in str(shown.in_short(view))
    assert repr(tried.trials(view)).startswith("Profit: Protection plan brought")


def test_what_nothing_tells_is_not_said_to_be_none(report, example):
    view = shown.open_upsell(str(without(example, "tickets")))

    lines = [line for line in shown.at_a_moment(view).lines if "open case" in line["name"]]
    assert {line["shown"] for line in lines if line["figure"] != "Customers"} == {"not known"}


def test_arms_that_were_planned_unequal_are_read_with_their_split(report, example):
    space = Workspace.open(example)
    plan = space.upsell
    shares = {"none": 0.2, "protection_plan": 0.4, "spare_cable": 0.4}
    space.save(plan.model_copy(update={"trial": plan.trial.model_copy(update={"split": shares})}))

    view = shown.open_upsell(str(example))

    assert view.trial is None
    assert "not of the sizes that were planned" in view.why_not("trial")


def test_the_next_trial_says_what_it_needs_and_what_those_who_are_there_would_show(report, view):
    lines = {(li["name"], li["figure"]): li for li in tried.next_trial(view).lines}
    told = {f: li for (n, f), li in lines.items() if "Protection plan" in n}

    trial = view.trial
    own = trial[(trial["arm"] == "protection_plan") & (trial["outcome"] == "bought")].iloc[0]
    assert told["Buy it anyway"]["value"] == pytest.approx(own["comparison"])
    needed = customers_needed(own["comparison"], own["comparison"] + 0.05)
    assert told["Customers needed"]["value"] == math.ceil(2 * needed)
    assert told["Contacts cost"]["value"] == pytest.approx(
        math.ceil(math.ceil(2 * needed) / 2) * 0.35
    )
    phone = {f: li for (n, f), li in lines.items() if "Trade in" in n}
    assert phone["Buy it anyway"]["shown"] == "nobody knows"


def test_scores_of_another_tool_pass_the_report_of_our_own(report, view):
    told = text_of(view)

    for name in ("Our score", "CRM score"):
        assert any(t.startswith(f"{name}: those contacted first") for t in told)
    assert any(t.startswith("What speaks for an upgrade") for t in told)


class Least:
    """A page that shows nothing about fewer customers than so many."""

    def __init__(self, least):
        self.page, self.may_tell = self, lambda every, some: every >= least and not 0 < some < least
        self.least = least


@pytest.mark.parametrize("least", [2, 5, 12])
def test_no_step_of_a_curve_of_gain_tells_of_few_who_did_it(least):
    rng = np.random.default_rng(2)
    score = rng.random(400)
    report = ScoreReport(score, rng.random(400) < 0.15 + 0.2 * score)

    told = proof._steps(Least(least), report)["did"].to_numpy()

    steps = np.diff(told, prepend=0.0)
    assert told[-1] == report.did.sum()
    assert ((steps == 0) | (steps >= least)).all()
    assert len(steps) > 3


def test_a_group_that_could_be_worked_out_takes_the_smallest_with_it():
    rows = [("device=a", 300), ("device=b", 250)]
    by = pd.DataFrame(rows, columns=["segment", "customers"]).assign(way="popular")

    def told(every):
        found = SimpleNamespace(
            by_segment=by, winner="popular", report=pd.DataFrame({"customers": [every]})
        )
        return [r["segment"] for r in proof._told_groups(Least(10), found)]

    assert told(550) == ["device=a", "device=b"]
    assert told(590) == ["device=a", "device=b"]
    assert told(556) == ["device=a"]


def test_what_is_about_few_upgrades_tells_their_number_nowhere(report, view):
    known = view.moments[view.moments["ratio"].notna()].assign(upgrades=3)
    few = SimpleNamespace(page=SimpleNamespace(least=5), few=view.few, named=view.named)

    lines = shown._in_detail(few, known).lines

    for figure in ("Days it happened", "Days after it", "Usual lift", "By activity"):
        assert {li["shown"] for li in lines if li["figure"] == figure} == {"–"}
    assert {li["shown"] for li in lines if li["figure"] == "Upgrades then"} == {"fewer than 5"}


def test_no_support_at_all_is_refused_and_not_taken_for_the_default(report, made_example):
    view = shown.open_upsell(str(made_example), min_support=0)

    assert view.min_support == 0
    assert "support" in repr(proof.bundles(view))


def test_what_would_be_offered_first_leaves_in_peace_whom_the_plan_does(report, view):
    first = view.first_offers
    lines = [line for line in proof.next_offer(view).lines if "offered first" in line["part"]]

    counted = [line["value"] for line in lines if line["figure"] == "To customers"]
    assert counted == sorted(counted, reverse=True)
    assert sum(counted) <= len(first)
    assert set(
        view.eligible.loc[view.eligible["guard"] == "has an open case", "customer_id"]
    ).isdisjoint(first["customer_id"])
    assert not first.duplicated("customer_id").any()


def test_models_of_buying_stand_beside_each_other_and_a_bad_forecast_is_said(report, view):
    text = proof.worth(view)

    models = [line["shown"] for line in text.lines if line["figure"] == "Model"]
    assert [m.split(" ")[0] for m in models] == ["BG/NBD", "MBG/NBD", "Pareto/NBD"]
    off = float(view.tracked.loc[~view.tracked["fitted"], "off"].iloc[-1])
    assert (abs(off) > 0.25) == ("Take the values as a guess" in text._repr_html_())


def test_customers_with_contracts_are_not_judged_by_how_long_they_stayed_away(report, example):
    space = Workspace.open(example)
    plan = space.upsell
    space.save(plan.model_copy(update={"contractual": True}))
    text = repr(proof.worth(shown.open_upsell(str(example))))
    assert "customers have contracts" in text
    assert "Name what begins a contract" in text

    space.save(space.upsell.model_copy(update={"lost": ("plan_cancelled",)}))
    view = shown.open_upsell(str(example))
    curve = view.leaving
    assert "How soon they leave" in repr(proof.worth(view))
    assert 0 < curve["left"].iloc[-1] < 1


def test_a_picture_of_moments_says_how_many_upgrades_each_rests_on(report, view):
    assert "(n " in shown.moments(view)._repr_html_()
