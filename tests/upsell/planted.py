"""A made-up log in which it is known what makes customers upgrade, and how much."""

import numpy as np

from journey_widgets.upsell.days import Days

NAMES = (
    "limit_hit", "price_page", "support_solved", "ticket_opened", "login", "newsletter", "webinar", "invoice_view",
)  # fmt: skip
RATES = np.array([0.01, 0.012, 0.01, 0.012, 0.12, 0.03, 0.006, 0.02])
EXPONENTS = np.array([1, 1, 0.6, 0.6, 1, 0.1, 1, 0.5])
TRUE = np.array([2.5, 1.8, 1.5, 0.6, 1, 1, 1, 1])
LENGTH, HORIZON, WARM_UP = 150, 7, 36


def planted(seed, *, customers=3_000, hidden=False, true=TRUE):
    """Days of customers whose hazard of an upgrade is multiplied by each touchpoint of the seven days before.

    How busy a customer is drives both; it is seen in the logins of days 8 to 35 before, or, where it is `hidden`, in
    nothing.
    """
    rng = np.random.default_rng(seed)
    trait, state = rng.normal(0, 0.5, customers), rng.normal(0, 0.7, customers)
    there = np.zeros((LENGTH, customers, len(NAMES)), bool)
    upgraded = np.full(customers, -1)
    for day in range(LENGTH):
        state = 0.95 * state + rng.normal(0, 0.7 * np.sqrt(1 - 0.95**2), customers)
        z = trait + state
        chance = np.minimum(RATES * np.exp(np.outer(z, EXPONENTS)), 0.9)
        there[day] = rng.random(chance.shape) < chance
        if day >= WARM_UP:
            recent = there[day - HORIZON : day].any(axis=0)
            driver = 2.2 * z if hidden else np.log1p(there[day - 35 : day - 7, :, 4].sum(axis=0))
            hazard = 0.0012 * np.exp(0.9 * driver) * np.where(recent, true, 1.0).prod(axis=1)
            now = (rng.random(customers) < hazard) & (upgraded < 0)
            upgraded[now] = day
    day, customer, touchpoint = np.nonzero(there)
    who = np.flatnonzero(upgraded >= 0)
    # Everybody is known from the first day on.
    customer = np.concatenate([customer, who, np.arange(customers)])
    day = np.concatenate([day, upgraded[who], np.zeros(customers, np.int64)])
    touchpoint = np.concatenate(
        [touchpoint, np.full(len(who), len(NAMES)), np.full(customers, len(NAMES) + 1)]
    )
    order = np.lexsort((touchpoint, day, customer))
    return Days(
        customer[order], day[order], touchpoint[order], np.ones(len(order), np.int64),
        (*NAMES, "upgrade", "sign_up"), LENGTH - 1,
    )  # fmt: skip
