"""A workspace whose data are hostile: every name in them is markup, a formula, a path, a template or a statement."""

from pathlib import Path

import pandas as pd

MARKUP = "<img src=x onerror=\"document.title='owned'\">"
NASTY = (
    MARKUP,
    "</script><script>document.title='owned'</script>",
    '=HYPERLINK("http://evil.example")',
    "'); DROP TABLE events; --",
    "{{ 7*7 }} {% raise %}",
    "../../etc/passwd",
    "[x](javascript:alert(1)) `code` $a$ 100%_",
)
COLUMNS = {
    "device": '<b>device</b>"; DROP TABLE events; --',
    "region": "=region' %_{0} {{ 7*7 }}",
}
"""Columns that segments are made of → what they are called here."""


def nasty(values: pd.Series) -> pd.Series:
    """Return each value with something hostile behind it: the same one for the same value."""
    distinct = sorted(values.dropna().unique())
    renamed = {v: f"{v} {NASTY[n % len(NASTY)]}" for n, v in enumerate(distinct)}
    return values.map(renamed)


def make_hostile(example: Path) -> Path:
    """Make the data of a copy of the example hostile, and tell the mappings what the names are now."""
    tables = example / "tables"
    events = pd.read_parquet(tables / "events.parquet")
    was = sorted(events["what"].dropna().unique())
    for column in ("what", "channel"):
        events[column] = nasty(events[column])
    for column, hostile in COLUMNS.items():
        events[hostile] = nasty(events[column])
    events["customer"] = "=" + events["customer"]
    now = dict(zip(was, nasty(pd.Series(was)), strict=True))
    events.to_parquet(tables / "events.parquet")

    tickets = pd.read_parquet(tables / "tickets.parquet")
    for column in ("agent", "role", "issue"):
        tickets[column] = nasty(tickets[column])
    tickets["customer"] = "=" + tickets["customer"]
    tickets.to_parquet(tables / "tickets.parquet")

    usage = pd.read_parquet(tables / "usage.parquet")
    usage["customer"] = "=" + usage["customer"]
    usage.to_parquet(tables / "usage.parquet")

    lines = pd.read_csv(tables / "order_lines.csv", sep=";", dtype=str)
    lines["group"] = nasty(lines["group"])
    lines["customer"] = "=" + lines["customer"]
    lines.to_csv(tables / "order_lines.csv", sep=";", index=False)
    for name in ("answers", "contacts", "trial", "scores"):
        found = pd.read_csv(tables / f"{name}.csv", dtype=str)
        found["customer"] = "=" + found["customer"]
        for column in {"made_by", "rests_on"} & set(found.columns):
            found[column] = nasty(found[column])
        found.to_csv(tables / f"{name}.csv", index=False)

    mapping = example / "sources.yaml"
    text = mapping.read_text("utf-8")
    kept = ", ".join(quoted(c) for c in (*COLUMNS.values(), "region"))
    text = text.replace("keep: [device, region]", f"keep: [{kept}]")
    for name, new in now.items():
        text = text.replace(f"\n    {name}: ", f"\n    {quoted(new)}: ", 1)
    mapping.write_text(text, "utf-8")
    return example


def quoted(text: str) -> str:
    """Return a text as YAML takes it whatever is in it."""
    return "'" + text.replace("'", "''") + "'"


def label_hostile(space) -> None:
    """Give everything that the documents of a workspace name a label with markup in it."""

    def marked(parts):
        return tuple(p.model_copy(update={"label": f"{p.label} {MARKUP}"}) for p in parts)

    journey = space.journey
    space.save(
        journey.model_copy(update={"label": MARKUP, "touchpoints": marked(journey.touchpoints)})
    )
    raci = space.raci
    space.save(raci.model_copy(update={"rows": marked(raci.rows), "roles": marked(raci.roles)}))
    panel = space.cross_impact
    space.save(
        panel.model_copy(
            update={"factors": marked(panel.factors), "interventions": marked(panel.interventions)}
        )
    )
    plan = space.upsell
    space.save(
        plan.model_copy(update={"offers": marked(plan.offers), "moments": marked(plan.moments)})
    )
    card = space.scorecard
    space.save(card.model_copy(update={"label": MARKUP, "objectives": marked(card.objectives)}))
