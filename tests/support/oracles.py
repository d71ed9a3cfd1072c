"""Slow, obvious answers to the path questions, in plain Python, from lists of events."""

from collections import Counter, defaultdict
from itertools import pairwise


def paths(events):
    """Customer → events in order of time, input order at equal times. Events: (customer, time, name)."""
    by_customer = defaultdict(list)
    for place, (customer, time, name) in enumerate(events):
        by_customer[customer].append((time, place, name))
    return {c: [(t, n) for t, _place, n in sorted(rows)] for c, rows in by_customer.items()}


def transitions(events):
    """(source, target) → [count, customers], ends included."""
    count, customers = Counter(), defaultdict(set)
    for customer, path in paths(events).items():
        names = ["path_start", *(n for _t, n in path), "path_end"]
        for pair in pairwise(names):
            count[pair] += 1
            customers[pair].add(customer)
    return {pair: [n, len(customers[pair])] for pair, n in count.items()}


def funnel(events, steps, within=None):
    """Customers at each step: first match after the previous match; `within` seconds of step 1."""
    reached = [0] * len(steps)
    for path in paths(events).values():
        place, entered = -1, None
        for number, step in enumerate(steps):
            later = [i for i, (_t, n) in enumerate(path) if n == step and i > place]
            if within is not None and entered is not None:
                later = [i for i in later if path[i][0] - entered <= within]
            if not later:
                break
            place = later[0]
            entered = path[place][0] if number == 0 else entered
            reached[number] += 1
    return reached


def variants(events):
    """Path → customers."""
    return Counter(" -> ".join(n for _t, n in path) for path in paths(events).values())
