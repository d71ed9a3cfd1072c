"""Every question about paths, each in each of its ways, for logs whose answers have to be the same.

The logs are those of `engines.boundary_log`, or such as have its touchpoints and a column ``channel``.
"""

from journey_widgets import journey as paths
from journey_widgets.journey import who
from journey_widgets.journey.document import Journey, Touchpoint, Way
from journey_widgets.journey.step_flow import step_links

STEPS = ["visit", "cart", "checkout"]
RULES = [
    {},
    {"within": "8d"},
    {"exclude": ["support"]},
    {"within": "11d", "exclude": ["support", "NA"]},
]
POINTS = [Touchpoint(id=t, label=t, stage="decision") for t in ("ad", *STEPS, "purchase")]
MAP = Journey.draft("Shop", touchpoints=POINTS).model_copy(
    update={"funnel": ["visit", "cart", "purchase"]}
)
WAYS = MAP.model_copy(
    update={
        "ways": [
            Way(source=a, target=b)
            for a, b in (("ad", "visit"), ("visit", "cart"), ("cart", "purchase"))
        ]
    }
)


def questions(first_path):
    """Return what is asked by name: functions of a path index."""
    asked = {
        "transitions": lambda i: paths.transitions(i),
        "step matrix": lambda i: paths.step_matrix(i),
        "step matrix around a touchpoint": lambda i: paths.step_matrix(i, centre="cart", max_steps=3),
        "step matrix around a pattern": lambda i: paths.step_matrix(i, centre="visit -> cart", max_steps=3),
        "step flow": lambda i: step_links(i),
        "funnel that comes again": lambda i: paths.funnel(i, ["visit", "visit", "purchase"]),
        "funnel by group": lambda i: paths.funnel(i, STEPS, by="channel"),
        "funnel with a pattern": lambda i: paths.funnel(
            i, ["visit", "cart -> [^support]* -> purchase", "support"], within="20d", exclude=["ad"]
        ),
        "funnel that begins with a pattern": lambda i: paths.funnel(i, ["cart -> ... -> purchase", "support"]),
        "step times": lambda i: paths.step_times(i, STEPS),
        "variants": lambda i: paths.variants(i),
        "the first variants": lambda i: paths.variants(i, top=3),
        "variants that cover": lambda i: paths.variants(i, coverage=0.3),
        "pain points": lambda i: paths.pain_points(i, STEPS, by=["channel"], rate=1.0, min_n=2),
        "groups": lambda i: paths.compare(*paths.groups(i, "channel", "web"), min_n=2),
        "touchpoints of groups": lambda i: paths.compare(
            *paths.groups(i, "channel", "web", "app"), of="touchpoints", min_n=2
        ),
        "channels": lambda i: paths.by_channel(i, "visit", "purchase", min_n=2),
        "went instead": lambda i: paths.went_instead(i, STEPS, 2),
        "ended at": lambda i: paths.went_instead(i, STEPS, 3, look="last"),
        "got to": lambda i: paths.went_instead(i, STEPS, 3, look="furthest", map_order=["visit", "cart", "ad"]),
        "sessions": lambda i: paths.sessions(i, "30m"),
        "funnel of sessions": lambda i: paths.funnel(paths.split_sessions(i, "1d"), STEPS),
        "began in a period": lambda i: paths.transitions(i.began("2026-03-21", "2026-03-28")),
        "events of a group alone": lambda i: paths.transitions(i.where("channel", "web", at="each")),
        "groups at the end": lambda i: paths.transitions(i.where("channel", ["web", "app"], at="last")),
        "without a group": lambda i: paths.variants(i.where_blank("channel"), top=5),
        "whose path fits": lambda i: paths.transitions(paths.matching(i, "path_start -> [visit | cart]")),
        "conformance": lambda i: paths.conformance(i, MAP),
        "conformance to ways": lambda i: paths.conformance(i, WAYS),
        "conformance by customer": lambda i: paths.conformance_by_customer(i, WAYS),
        "what if": lambda i: paths.what_if(i, ("visit", "cart"), 0.05, target="purchase"),
        "who went": lambda i: who.went(i, "visit", "cart"),
        "who did not": lambda i: who.reached(i, STEPS, 2, lost=True),
        "who took a path": lambda i: who.took(i, first_path),
        "who was at a step": lambda i: who.at_step(i, 2, "cart"),
        "who fits": lambda i: who.fits(i, "visit -> [^support]* -> cart -> path_end"),
    }  # fmt: skip
    for period in ("day", "week", "month"):
        asked[f"retention by {period}"] = lambda i, p=period: paths.retention(
            i, period=p, time_zone="Europe/Rome"
        )
        asked[f"rolling retention by {period}"] = lambda i, p=period: paths.retention(
            i, period=p, rolling=True, start_event="visit", return_event="cart", mode="on_or_after",
            time_zone="America/New_York",
        )  # fmt: skip
    for order in ("this", "exact", "any"):
        for entry in ("first", "any", "last"):
            for number, rules in enumerate(RULES):
                asked[f"funnel {order} {entry} {number}"] = lambda i, o=order, e=entry, r=rules: (
                    paths.funnel(i, STEPS, order=o, entry=e, **r)
                )
    return asked


ONE_OF_EACH = {
    "transitions", "step matrix around a pattern", "step flow", "funnel that comes again", "funnel by group",
    "funnel with a pattern", "step times", "the first variants", "variants that cover", "pain points", "groups",
    "channels", "got to", "sessions", "funnel of sessions", "began in a period", "events of a group alone",
    "conformance to ways", "conformance by customer", "what if", "who did not", "who fits", "retention by month",
    "rolling retention by week", "funnel this first 3", "funnel exact any 1", "funnel any last 3",
}  # fmt: skip
"""Every kind of question, in one of its ways: where asking takes long, or where no more can be told apart."""
