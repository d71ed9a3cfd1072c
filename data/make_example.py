"""Make the tables of the example workspace: synthetic, seeded, with known answers planted in them.

Run ``python data/make_example.py`` to write ``data/example/tables/``. The planted truths are the
constants below; ``data/README.md`` tells them in words, and the tests find them again.
"""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

SEED = 20260101
CUSTOMERS = 10_000
FIRST_DAY, DAYS = pd.Timestamp("2026-01-01"), 240  # local time, Europe/Rome

# Planted truths
PAYMENT_PASS = {"desktop": 0.84, "mobile": 0.55}  # checkout → payment; the drop-off is on mobile
HANDOVER_HOURS = {"setup_help": 30.0, "warranty_claim": 4.0}  # median wait after a hand-over
SETUP_DOERS = {"technical_specialist": 0.58, "sales_rep": 0.32, "support_rep": 0.10}
DIP_MONTH, DELIVERY_SCORE, DIP_SCORE = "2026-05", 4.3, 3.3  # mean satisfaction with delivery
RAGE_CLICKS = {"checkout": 0.025}  # rage clicks a click; everywhere else:
RAGE_ELSEWHERE = 0.003
USAGE_ENDS = pd.Timestamp("2026-08-31")
UPGRADES = {"usual": 0.0007, "after storage full": 5.0}
"""Upgrades of the storage plan a day of a customer of usual activity, and how many times as often in the week after."""
SHOWN = 0.5  # share of full storages after which the app shows an offer; it changes nothing
CONTACT_SALES = {  # share that bought, of those contacted and of those left alone
    "protection_plan": (0.16, 0.08),
    "storage_plan": (0.04, 0.04),
}
PLANS = pd.date_range(
    "2026-04-06", "2026-06-15", freq="7D"
)  # Mondays that contacts were planned for
LEFT_ALONE = 0.3
SCORED = ("2026-05-01", "2026-06-01", "2026-07-01")  # days on which another tool scored buyers
SCORE_SKILL = 0.74
"""How far apart, in standard deviations, what it knows of those who upgrade in 30 days lies: an area of 0.70."""
OFFER_SALES = {"none": 0.08, "protection_plan": 0.16, "spare_cable": 0.08}  # share that bought

PAGES = ["blog_article", "product_page", "comparison", "basket", "checkout", "payment"]
PHONES = {"phone_a": 649.0, "phone_b": 429.0, "phone_c": 249.0}
EARBUDS = (0.14, 0.44)  # share of orders with earbuds: without a case, and with one
EXTRAS = {"case": 24.9, "charger": 34.9, "earbuds": 79.0, "protection_plan": 99.0}
AGENTS = {
    "support_rep": ["agent_01", "agent_02", "agent_03", "agent_04", "agent_05"],
    "technical_specialist": ["agent_11", "agent_12", "agent_13"],
    "sales_rep": ["agent_21", "agent_22"],
    "success_manager": ["agent_31"],
}


class Retailer:
    """One seeded run of the made-up company."""

    def __init__(self, seed: int = SEED) -> None:
        self.rng = np.random.default_rng(seed)
        self.events: list[tuple[object, ...]] = []
        self.lines: list[tuple[object, ...]] = []
        self.tickets: list[tuple[object, ...]] = []
        self.answers: list[tuple[object, ...]] = []
        self.asked: Counter[tuple[str, str]] = Counter()
        self.after_setup: list[str] = []
        self.orders = self.cases = 0

    def chance(self, p: float) -> bool:
        """Say yes with probability `p`."""
        return bool(self.rng.random() < p)

    def later(self, moment: pd.Timestamp, median_hours: float, spread: float = 0.7) -> pd.Timestamp:
        """Return a moment a log-normal wait later, on a whole second."""
        hours = float(median_hours * np.exp(spread * self.rng.standard_normal()))
        return (moment + pd.Timedelta(hours=hours)).floor("s")

    def run(self) -> dict[str, pd.DataFrame]:
        """Return the tables."""
        for number in range(1, CUSTOMERS + 1):
            self.customer(f"C{number:05d}")
        return {
            "events": pd.DataFrame(
                self.events,
                columns=["customer", "at", "what", "channel", "device", "region", "order"],
            ).sort_values(["at", "customer"], kind="stable", ignore_index=True),
            "order_lines": pd.DataFrame(
                self.lines,
                columns=[
                    "order",
                    "customer",
                    "date",
                    "product",
                    "group",
                    "quantity",
                    "price",
                    "margin",
                ],
            ).sort_values(["date", "order"], kind="stable", ignore_index=True),
            "tickets": pd.DataFrame(
                self.tickets, columns=["case", "at", "step", "agent", "role", "customer", "issue"]
            ).sort_values(["at", "case"], kind="stable", ignore_index=True),
            "answers": pd.DataFrame(
                self.answers, columns=["response", "date", "question", "score", "scale", "customer"]
            ).sort_values(["date", "response"], kind="stable", ignore_index=True),
            "trial": self.trial(),
            "invitations": pd.DataFrame(
                [
                    (month, question, "e-mail", n)
                    for (month, question), n in sorted(self.asked.items())
                ],
                columns=["month", "question", "how", "invited"],
            ),
            "behaviour": self.behaviour(),
            "usage": (usage := self.usage()),
            "contacts": self.contacts(usage),
            "scores": self.scores(usage),
        }

    def customer(self, name: str) -> None:
        """Let one customer walk the journey, some of them twice."""
        device = "mobile" if self.chance(0.62) else "desktop"
        region = str(self.rng.choice(["north", "centre", "south"], p=[0.45, 0.3, 0.25]))
        hour = 8 + 13 * float(self.rng.random())
        now = FIRST_DAY + pd.Timedelta(days=float(self.rng.integers(0, DAYS - 45)), hours=hour)
        now = now.floor("s")
        for _visit in range(3):
            now = self.walk(name, now, device, region)
            if not self.chance(0.14):
                break
            now = self.later(now, 24 * 14)

    def walk(self, name: str, now: pd.Timestamp, device: str, region: str) -> pd.Timestamp:
        """Go from first contact as far as this customer gets; return when it ended."""

        def event(
            what: str, at: pd.Timestamp, channel: str, order: str | None = None
        ) -> pd.Timestamp:
            self.events.append((name, at, what, channel, device, region, order))
            return at

        start = str(
            self.rng.choice(["Social ad", "Blog article", "Store visit"], p=[0.55, 0.25, 0.2])
        )
        now = event(start, now, "store" if start == "Store visit" else "web")
        for _page in range(int(self.rng.integers(1, 5))):
            now = event("Product page", self.later(now, 0.05), "web")
        if self.chance(0.45):
            now = event("Compare phones", self.later(now, 0.1), "web")
            now = event("Product page", self.later(now, 0.05), "web")
        if self.chance(0.18):
            now = event("Live chat", self.later(now, 0.3), "chat")
        if not self.chance(0.62):
            return now
        now = event("Basket", self.later(now, 2.0, 1.2), "web")
        if not self.chance(0.8):
            return now
        now = event("Checkout", self.later(now, 0.1), "web")
        if not self.chance(PAYMENT_PASS[device]):
            return now
        self.orders += 1
        order = f"O{self.orders:05d}"
        now = event("Payment", self.later(now, 0.06), "web", order)
        now = event("Order confirmation", self.later(now, 0.01), "email", order)
        self.order(order, name, now)
        now = event("Delivery", self.later(now, 60, 0.4), "courier", order)
        dip = now.strftime("%Y-%m") == DIP_MONTH
        self.survey(name, now, "delivery_csat", DIP_SCORE if dip else DELIVERY_SCORE, 0.35)
        if self.chance(0.42):
            now = event("Set-up help", self.later(now, 20), "phone")
            now = self.case(name, now, "setup_help")
            self.survey(name, now, "setup_csat", 3.7, 0.4)
            self.after_setup.append(name)
        if self.chance(0.08):
            now = event("Warranty claim", self.later(now, 24 * 20), "phone")
            now = self.case(name, now, "warranty_claim")
        if self.chance(0.3):
            now = event("Upgrade offer", self.later(now, 24 * 9), "email")
        if self.chance(0.22):
            now = event("Review", self.later(now, 24 * 6), "web")
        if self.chance(0.07):
            now = event("Referral", self.later(now, 24 * 8), "app")
        self.survey(name, self.later(now, 48), "nps", 7.6, 0.25, low=0, high=10, spread=2.4)
        return now

    def wanted(self, extra: str, basket: list[tuple[str, str, int, float, float]]) -> float:
        """Return the chance of an extra in a basket; one in five of each, and earbuds go with a case."""
        if extra == "earbuds":
            return EARBUDS[any(product == "case" for product, *_rest in basket)]
        return 0.05 if extra == "protection_plan" else 0.2

    def order(self, order: str, name: str, at: pd.Timestamp) -> None:
        """Write the lines of an order; one in twenty-five phones comes back."""
        phone = str(self.rng.choice(list(PHONES), p=[0.25, 0.4, 0.35]))
        basket = [(phone, "phones", 1, PHONES[phone], 0.12)]
        for extra, price in EXTRAS.items():
            if self.chance(self.wanted(extra, basket)):
                basket.append((extra, "accessories", 1, price, 0.45))
        for product, group, quantity, price, share in basket:
            self.lines.append(
                (order, name, at, product, group, quantity, price, round(price * share, 2))
            )
        if self.chance(0.04):
            back = self.later(at, 24 * 9)
            margin = -round(PHONES[phone] * 0.12, 2)
            self.lines.append(
                (f"{order}-R", name, back, phone, "phones", -1, PHONES[phone], margin)
            )

    def case(self, name: str, at: pd.Timestamp, issue: str) -> pd.Timestamp:
        """Handle one support case; return when it was solved."""
        self.cases += 1
        case = f"T{self.cases:05d}"

        def step(what: str, moment: pd.Timestamp, role: str) -> pd.Timestamp:
            agent = str(self.rng.choice(AGENTS[role]))
            self.tickets.append((case, moment, what, agent, role, name, issue))
            return moment

        now = step("Opened", at, "support_rep")
        now = step("Handed over", self.later(now, 0.5), "support_rep")
        if issue == "setup_help":
            doer = str(self.rng.choice(list(SETUP_DOERS), p=list(SETUP_DOERS.values())))
        else:
            doer = "support_rep"
        now = step("Handled", self.later(now, HANDOVER_HOURS[issue]), doer)
        now = step("Solved", self.later(now, 1.5), doer)
        if self.chance(0.06):
            now = step("Reopened", self.later(now, 30), "support_rep")
            now = step("Handled", self.later(now, HANDOVER_HOURS[issue]), doer)
            now = step("Solved", self.later(now, 1.5), doer)
        return now

    def survey(
        self, name: str, at: pd.Timestamp, question: str, mean: float, rate: float,
        low: int = 1, high: int = 5, spread: float = 0.9,
    ) -> None:  # fmt: skip
        """Ask; some answer, some of those leave the score blank."""
        self.asked[f"{at:%Y-%m}", question] += 1
        if not self.chance(rate):
            return
        score = int(np.clip(round(mean + spread * self.rng.standard_normal()), low, high))
        blank = self.chance(0.03)
        number = f"A{len(self.answers) + 1:05d}"
        row = (number, at, question, None if blank else score, f"{low}-{high}", name)
        self.answers.append(row)

    def trial(self) -> pd.DataFrame:
        """Offer two things at random after set-up help; one works, one does not."""
        people = list(dict.fromkeys(self.after_setup))
        arms = self.rng.permutation(np.resize(list(OFFER_SALES), len(people)))
        price = {"none": 60.0, "protection_plan": 99.0, "spare_cable": 60.0}
        rows = []
        for name, arm in zip(people, arms, strict=True):
            bought = self.chance(OFFER_SALES[str(arm)])
            spend = round(price[str(arm)] * float(np.exp(0.2 * self.rng.standard_normal())), 2)
            cost = 0.0 if arm == "none" else 0.35
            complained = int(self.chance(0.02))
            rows.append((name, str(arm), int(bought), spend if bought else 0.0, complained, cost))
        columns = ["customer", "offer", "bought", "revenue", "complained", "cost"]
        return pd.DataFrame(rows, columns=columns)

    def behaviour(self) -> pd.DataFrame:
        """Count clicks on the web pages as a heatmap tool would, month by month."""
        rng = np.random.default_rng(SEED + 1)
        visits: Counter[tuple[str, str]] = Counter()
        for _who, at, what, channel, *_more in self.events:
            if channel == "web":
                visits[f"{at:%Y-%m}", str(what).casefold().replace(" ", "_")] += 1
        rows: list[tuple[object, ...]] = []
        for (month, page), n in sorted(visits.items()):
            if page not in PAGES:
                continue
            clicks = int(rng.poisson(4.0 * n))
            rage = int(rng.poisson(RAGE_CLICKS.get(page, RAGE_ELSEWHERE) * clicks))
            seen = round(float(np.clip(rng.normal(62, 6), 5, 100)), 1)
            rows += [
                (month, page, "clicks", clicks, "", None),
                (month, page, "rage clicks", rage, "", None),
                (month, page, "page seen", seen, "%", None),
            ]
        for number in (1, 2):
            link = f"https://recordings.example/checkout/{number}"
            rows.append(("2026-08", "checkout", "session recording", None, "", link))
        return pd.DataFrame(rows, columns=["month", "page", "measure", "total", "unit", "link"])

    def usage(self) -> pd.DataFrame:
        """Let buyers use the phone's app: the busier they are, the more of everything, upgrades among it."""
        rng = np.random.default_rng(SEED + 2)
        rows: list[tuple[object, ...]] = []
        started: dict[str, pd.Timestamp] = {}
        for _order, name, at, *_rest in self.lines:
            started.setdefault(str(name), pd.Timestamp(str(at)).normalize() + pd.Timedelta(days=4))
        for name, first in started.items():
            self.use(name, (USAGE_ENDS - first).days, first, rng, rows)
        columns = ["customer", "at", "what"]
        return pd.DataFrame(rows, columns=columns).sort_values(
            ["at", "customer"], kind="stable", ignore_index=True
        )

    def use(
        self, name: str, days: int, first: pd.Timestamp, rng: np.random.Generator,
        rows: list[tuple[object, ...]],
    ) -> None:  # fmt: skip
        """Write what one customer does in the app, day by day."""
        busy = float(rng.gamma(4.0, 0.25))
        rates = {
            "App opened": 0.06,
            "Backup made": 0.03,
            "Newsletter read": 0.02,
            "Storage full": 0.007,
        }
        happened = {
            what: rng.random(max(days, 0)) < np.minimum(rate * busy, 0.9)
            for what, rate in rates.items()
        }
        full, ended = -99, False
        for day in range(max(days, 0)):
            risk = (
                UPGRADES["usual"]
                * busy
                * (UPGRADES["after storage full"] if 0 < day - full <= 7 else 1.0)
            )
            upgraded = not ended and bool(rng.random() < risk)
            done = [what for what, on in happened.items() if on[day]]
            if "Storage full" in done and rng.random() < SHOWN:
                done.append("Offer shown")
            if upgraded:
                done.append("Plan upgraded")
            for what in done:
                at = first + pd.Timedelta(days=day, seconds=int(rng.integers(7 * 3600, 22 * 3600)))
                rows.append((name, at, what))
            full = day if happened["Storage full"][day] else full
            if upgraded:
                ended = True
                if rng.random() < 0.1:
                    back = first + pd.Timedelta(days=day + int(rng.integers(2, 30)), hours=12)
                    rows.append((name, back, "Plan cancelled"))
        if days > 0 and rng.random() < 0.03:
            at = first + pd.Timedelta(days=int(rng.integers(0, days)), hours=20)
            rows.append((name, at, "Marketing off"))

    def contacts(self, usage: pd.DataFrame) -> pd.DataFrame:
        """Contact those who were at a moment in the week before each plan, but for some left alone by chance."""
        rng = np.random.default_rng(SEED + 3)
        events = pd.DataFrame(self.events).iloc[:, :3].set_axis(["customer", "at", "what"], axis=1)
        left_alone: dict[str, bool] = {}
        rows: list[tuple[object, ...]] = []
        for offer, at, after, evidence, expected in (
            ("protection_plan", "setup_help", events[events["what"] == "Set-up help"], "tested", 0.067),
            ("storage_plan", "upgrade_offer", usage[usage["what"] == "Storage full"],
             "observed, placebo passed", 0.05),
        ):  # fmt: skip
            asked: set[str] = set()
            for day in PLANS:
                week = after[(after["at"] < day) & (after["at"] >= day - pd.Timedelta(days=7))]
                for name in sorted(set(week["customer"]) - asked):
                    alone = left_alone.setdefault(name, bool(rng.random() < LEFT_ALONE))
                    bought = int(rng.random() < CONTACT_SALES[offer][alone])
                    arm = "left alone" if alone else "contacted"
                    rows.append((day, name, offer, at, evidence, arm, expected, bought))
                    asked.add(str(name))
        columns = ["day", "customer", "offer", "place", "rests_on", "arm", "expected", "bought"]
        return pd.DataFrame(rows, columns=columns).sort_values(
            ["day", "offer", "customer"], ignore_index=True
        )

    def scores(self, usage: pd.DataFrame) -> pd.DataFrame:
        """Score buyers as a tool would that knows something of them: by Bayes, so that its chances are right."""
        rng = np.random.default_rng(SEED + 4)
        upgrades = usage[usage["what"] == "Plan upgraded"].groupby("customer")["at"].min()
        first = usage.groupby("customer")["at"].min()
        rows: list[tuple[object, ...]] = []
        for day in map(pd.Timestamp, SCORED):
            there = sorted(str(c) for c in first[first < day].index)
            there = [c for c in there if not upgrades.get(c, day) < day]
            does = np.array(
                [upgrades.get(c, USAGE_ENDS) <= day + pd.Timedelta(days=30) for c in there]
            )
            knows = rng.normal(SCORE_SKILL * does)
            odds = (
                does.mean() / (1 - does.mean()) * np.exp(SCORE_SKILL * knows - SCORE_SKILL**2 / 2)
            )
            chance = (odds / (1 + odds)).round(4)
            rows += [(day, c, "CRM score", p) for c, p in zip(there, chance, strict=True)]
        return pd.DataFrame(rows, columns=["day", "customer", "made_by", "chance"])


def write(folder: Path) -> None:
    """Write the tables in the forms a real company would hand over."""
    tables = Retailer().run()
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("events", "tickets", "usage"):
        table = tables[name].copy()
        table["at"] = table["at"].astype("datetime64[ms]")
        table.to_parquet(folder / f"{name}.parquet", index=False, compression="zstd")
    day = "%d/%m/%Y %H:%M"
    lines = tables["order_lines"].copy()
    lines["date"] = lines["date"].dt.strftime(day)
    lines.to_csv(
        folder / "order_lines.csv", sep=";", decimal=",", index=False, lineterminator="\n",
        float_format="%.2f",
    )  # fmt: skip
    answers = tables["answers"].copy()
    answers["date"] = answers["date"].dt.strftime("%Y-%m-%d %H:%M")
    answers["score"] = answers["score"].astype("Int64")
    answers.to_csv(folder / "answers.csv", index=False, lineterminator="\n")
    tables["invitations"].to_csv(folder / "invitations.csv", index=False, lineterminator="\n")
    tables["behaviour"].to_csv(folder / "behaviour.csv", index=False, lineterminator="\n")
    for name in ("contacts", "scores"):
        dated = tables[name].assign(day=tables[name]["day"].dt.strftime("%Y-%m-%d"))
        dated.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    tables["trial"].to_csv(folder / "trial.csv", index=False, lineterminator="\n")


if __name__ == "__main__":
    target = Path(__file__).parent / "example" / "tables"
    write(target)
    for file in sorted(target.iterdir()):
        print(f"{file.name}: {file.stat().st_size:,} bytes")
