"""Slow, obvious answers to the path questions, in plain Python, from lists of events."""

from collections import Counter, defaultdict
from datetime import UTC, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo


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


def step_matrix(events, max_steps, centre=None):
    """(step, touchpoint or end) → customers."""
    found = Counter()
    for path in paths(events).values():
        names = [n for _t, n in path]
        if centre is None:
            zero, steps = -1, range(1, max_steps + 1)
        elif centre in names:
            zero, steps = names.index(centre), range(-max_steps, max_steps + 1)
        else:
            continue
        for step in steps:
            place = zero + step
            if place < 0:
                found[step, "path_start"] += 1
            elif place >= len(names):
                found[step, "path_end"] += 1
            else:
                found[step, names[place]] += 1
    return dict(found)


def _attempt(path, start, steps, order, within, exclude):
    """Places of the steps reached by the attempt that starts at a place, in order of step."""
    entered = path[start][0]
    reached = []
    if order == "any":
        furthest = start
        for step in steps:
            later = [i for i in range(start, len(path)) if path[i][1] == step]
            if not later:
                break
            furthest = max(furthest, later[0])
            if within is not None and path[later[0]][0] - entered > within:
                break
            if any(path[i][1] in exclude for i in range(start + 1, furthest)):
                break
            reached.append(furthest)
        return reached
    reached = [start]
    for step in steps[1:]:
        place = reached[-1]
        later = [i for i in range(place + 1, len(path)) if path[i][1] == step]
        if not later:
            break
        found = later[0]
        if within is not None and path[found][0] - entered > within:
            break
        if order == "exact" and found != place + 1:
            break
        if any(path[i][1] in exclude for i in range(place + 1, found)):
            break
        reached.append(found)
    return reached


def attempts(events, steps, *, order="this", entry="first", within=None, exclude=()):
    """Customer → times of the steps reached; customers who reach no step are not there."""
    result = {}
    for customer, path in paths(events).items():
        opening = set(steps) if order == "any" else {steps[0]}
        starts = [i for i, (_t, n) in enumerate(path) if n in opening]
        if entry == "first":
            starts = starts[:1]
        tried = [_attempt(path, s, steps, order, within, exclude) for s in starts]
        tried = [t for t in tried if t]
        if not tried:
            continue
        depth = max(len(t) for t in tried)
        best = [t for t in tried if len(t) == depth][-1 if entry == "last" else 0]
        result[customer] = [path[i][0] for i in best]
    return result


def funnel(events, steps, **rules):
    """Customers at each step."""
    reached = attempts(events, steps, **rules)
    return [sum(len(times) > k for times in reached.values()) for k in range(len(steps))]


def variants(events):
    """Path → customers."""
    return Counter(" -> ".join(n for _t, n in path) for path in paths(events).values())


def sessions(events, timeout):
    """(customer, names of one session) in order; times are seconds."""
    found = []
    for customer, path in sorted(paths(events).items()):
        session = []
        for place, (time, name) in enumerate(path):
            if place and time - path[place - 1][0] > timeout:
                found.append((customer, session))
                session = []
            session.append(name)
        found.append((customer, session))
    return found


def _period(moment, period, zone):
    local = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).date()
    if period == "month":
        return local.replace(day=1)
    return local - timedelta(days=local.weekday()) if period == "week" else local


def _after(start, offset, period):
    if period == "month":
        month = start.month - 1 + offset
        return start.replace(year=start.year + month // 12, month=month % 12 + 1)
    return start + timedelta(days=offset * (7 if period == "week" else 1))


def retention(events, *, period, start_event=None, return_event=None, mode="on", zone="UTC"):
    """(first day of the cohort, offset) → (customers, cohort), for periods that were over."""
    last = max(t for _c, t, _n in events)
    cohorts = defaultdict(list)
    for path in paths(events).values():
        begun = next((i for i, (_t, n) in enumerate(path) if start_event in (None, n)), None)
        if begun is None:
            continue
        start = _period(path[begun][0], period, zone)
        came = {_period(t, period, zone) for t, n in path[begun + 1 :] if return_event in (None, n)}
        cohorts[start].append(came)
    result = {}
    for start, members in cohorts.items():
        offset = 0
        while _period(last, period, zone) >= _after(start, offset + 1, period):
            wanted = _after(start, offset, period)
            hits = sum(
                any(day == wanted or (mode == "on_or_after" and day >= wanted) for day in came)
                for came in members
            )
            result[start, offset] = (hits, len(members))
            offset += 1
    return result


def match(path, elements, from_start=False, to_end=False):
    """First match of a pattern: (place of its first event, place of its last), or None.

    Elements: (set of allowed names, fewest times, most times). Fewer repeats are tried first.
    """

    def rest(place, which):
        if which == len(elements):
            return place if not to_end or place == len(path) else None
        allowed, fewest, most = elements[which]
        taken = 0
        while True:
            if taken >= fewest:
                found = rest(place + taken, which + 1)
                if found is not None:
                    return found
            if taken == most or place + taken >= len(path) or path[place + taken] not in allowed:
                return None
            taken += 1

    for start in range(1 if from_start else len(path)):
        end = rest(start, 0)
        if end is not None:
            return start, end - 1
    return None
