"""The schedule: times as cron means them, what was missed made once, nothing twice at the same time."""

import json
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journey_widgets import Workspace, cli
from journey_widgets.errors import (
    DocumentError,
    FindingsError,
    InfrastructureError,
    ParameterError,
)
from journey_widgets.publish import schedule
from journey_widgets.publish.cron import fields, trigger
from journey_widgets.publish.report_plan import Reports, ReportSpec
from publish.test_parameters import TAGGED, notebook

START = ('segment: str = "all"  # which', TAGGED)
ROME = "Europe/Rome"


@pytest.fixture
def shop(tmp_path, shelf):
    Workspace.create(tmp_path / "shop").close()
    notebook(shelf / "r.ipynb", START, "'a report of ' + segment")
    write(tmp_path / "shop")
    return tmp_path / "shop"


def write(workspace, text="0 6 * * *", **more):
    entry = {"notebook": "r", "schedule": text, **more}
    (workspace / "reports.yaml").write_text(
        f"schema: reports/1\nreports:\n  daily: {json.dumps(entry)}\n"
    )


def by_hand(text, moment):
    """Whether cron fires in a minute, looked at field by field."""
    every = fields(text)
    day, weekday = text.split()[2], text.split()[4]
    on_day, on_weekday = moment.day in every["day"], moment.isoweekday() % 7 in every["weekday"]
    either = on_day or on_weekday if day != "*" and weekday != "*" else on_day and on_weekday
    return (
        moment.minute in every["minute"]
        and moment.hour in every["hour"]
        and moment.month in every["month"]
        and either
    )


@pytest.mark.parametrize(
    "text",
    [
        "0 6 * * 0",
        "0 6 * * 7",
        "0 6 * * sun",
        "30 5 1 * *",
        "0 6 1 * mon",
        "*/20 4-6 * feb 1-5",
        "15 2 29 2 *",
    ],
)
def test_the_next_time_is_the_first_minute_that_fits_field_by_field(text):
    start = datetime(2028, 1, 1, 3, 7, tzinfo=UTC)

    found = trigger(text, "UTC").get_next_fire_time(None, start)

    minute = start.replace(second=0)
    while not by_hand(text, minute) or minute < start:
        minute += timedelta(minutes=1)
    assert found == minute


@given(st.integers(0, 6), st.integers(0, 23))
def test_weekdays_are_those_of_cron_and_not_of_the_library(weekday, hour):
    found = trigger(f"0 {hour} * * {weekday}", "UTC").get_next_fire_time(
        None, datetime(2026, 11, 29, tzinfo=UTC)
    )
    assert found.isoweekday() % 7 == weekday


@pytest.mark.parametrize(
    "text",
    [
        "0 6 * *",
        "60 6 * * *",
        "0 6 * * mun",
        "0 6 * * 5-1",
        "0 6 0 * *",
        "@daily",
        "0 6 */0 * *",
        "; rm -rf / * *",
    ],
)
def test_a_time_that_cannot_be_is_refused_where_it_is_written(text):
    with pytest.raises(DocumentError):
        Reports.from_text(
            f"schema: reports/1\nreports:\n  daily: {json.dumps({'notebook': 'r', 'schedule': text})}\n"
        )


def spec(text):
    return ReportSpec(notebook="r", schedule=text)


def at(*given, zone=ROME):
    return datetime(*given, tzinfo=ZoneInfo(zone))


def test_of_several_missed_times_the_latest_is_made():
    assert schedule.missed(spec("0 6 * * *"), ROME, at(2026, 11, 20, 6), at(2026, 11, 25, 9)) == at(
        2026, 11, 25, 6
    )
    assert (
        schedule.missed(spec("0 6 * * *"), ROME, at(2026, 11, 25, 6), at(2026, 11, 26, 5, 59))
        is None
    )
    assert schedule.missed(spec("0 6 * * *"), ROME, None, at(2026, 11, 25, 9)) is None


def test_a_time_that_the_clock_leaps_over_is_made_once_and_one_that_comes_twice_too():
    # 29 March 2026: 2:00 becomes 3:00; 25 October 2026: 3:00 becomes 2:00.
    for first, last, n in (
        (at(2026, 3, 28), at(2026, 3, 31), 3),
        (at(2026, 10, 24), at(2026, 10, 27), 3),
    ):
        when, found = trigger("30 2 * * *", ROME), []
        moment = first
        while (
            following := when.get_next_fire_time(moment, moment)
        ) is not None and following < last:
            found.append(following)
            moment = following + timedelta(seconds=1)
        assert len({f.date() for f in found}) == n, found
        assert len({f.astimezone(UTC) for f in found}) == len(found) == n, found


def test_a_schedule_that_was_down_makes_each_report_once_and_the_day_is_that_of_its_time(shop):
    first = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert schedule.catch_up(shop, now=first) == []
    assert schedule.catch_up(shop, now=first + timedelta(days=3)) == [0]
    assert schedule.catch_up(shop, now=first + timedelta(days=3, hours=1)) == []

    ran = [line for line in schedule.history(shop) if "code" in line]
    assert [(r["day"], r["code"], r["counts"]["made"]) for r in ran] == [("2026-11-23", 0, 1)]
    assert (shop / "reports" / "daily" / "2026-11-23" / "index.html").is_file()


@pytest.mark.parametrize(
    "night", [datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC)]
)
def test_in_the_nights_the_clock_is_changed_each_day_has_its_batch_once(shop, night):
    (shop / "workspace.yaml").write_text(
        (shop / "workspace.yaml").read_text().replace("time_zone: UTC", f"time_zone: {ROME}")
    )
    write(shop, "30 2 * * *")
    schedule.catch_up(shop, now=night)

    codes = [schedule.catch_up(shop, now=night + timedelta(hours=h)) for h in range(10, 40)]

    days = [(night + timedelta(days=n)).date().isoformat() for n in (1, 2)]
    ran = [line for line in schedule.history(shop) if "code" in line]
    assert [c for c in codes if c] == [[0], [0]]
    assert [r["day"] for r in ran] == days
    for day in days:
        batch = json.loads((shop / "reports" / "daily" / day / "batch.json").read_text())
        assert batch["counts"]["made"] == 1


def test_a_report_that_fails_is_noted_and_ends_nothing(shop, shelf):
    notebook(shelf / "r.ipynb", START, "1 / 0")
    first = datetime(2026, 11, 20, 12, tzinfo=UTC)
    schedule.catch_up(shop, now=first)

    assert schedule.catch_up(shop, now=first + timedelta(days=1)) == [3]
    (shop / "reports.yaml").write_text(
        "schema: reports/1\nreports:\n  daily: {notebook: gone, schedule: 0 6 * * *}\n"
    )
    assert schedule.catch_up(shop, now=first + timedelta(days=2)) == [2]
    assert "There is no report 'gone'" in schedule.history(shop)[-1]["why"]


def test_half_a_line_of_history_is_no_reason_to_forget_the_rest(shop):
    first = datetime(2026, 11, 20, 12, tzinfo=UTC)
    schedule.catch_up(shop, now=first)
    with (shop / "reports" / "history.jsonl").open("a") as stream:
        stream.write('{"report": "daily", "due_u')

    assert schedule.catch_up(shop, now=first + timedelta(days=1)) == [0]


def test_it_runs_until_it_is_told_to_end_and_a_second_one_is_told_so(shop, monkeypatch):
    soon = datetime.now(UTC) + timedelta(seconds=2)

    class Soon:
        def get_next_fire_time(self, last, now):
            return soon if last is None or last < soon else None

    monkeypatch.setattr(schedule, "trigger", lambda _text, _zone: _as_trigger(Soon()))
    events, ended = [], threading.Event()
    worker = threading.Thread(
        target=schedule.run_schedule, args=(shop,), kwargs={"tell": events.append, "until": ended}
    )
    worker.start()
    try:
        wait(lambda: any(e["event"] == "scheduled" for e in events))
        with pytest.raises(
            InfrastructureError, match="Another schedule of this workspace is running"
        ):
            schedule.run_schedule(shop, until=ended)
        wait(lambda: any(e["event"] == "scheduled batch ends" for e in events))
    finally:
        ended.set()
        worker.join(30)
    assert not worker.is_alive()
    assert [e["code"] for e in events if e["event"] == "scheduled batch ends"] == [0]


def _as_trigger(own):
    from apscheduler.triggers.base import BaseTrigger

    class Made(BaseTrigger):
        def get_next_fire_time(self, previous_fire_time, now):
            return own.get_next_fire_time(previous_fire_time, now)

    return Made()


def wait(what, seconds=60):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_workspace_without_times_says_so(shop):
    (shop / "reports.yaml").write_text("schema: reports/1\nreports:\n  daily: {notebook: r}\n")
    with pytest.raises(ParameterError, match="names no time"):
        schedule.run_schedule(shop)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (
            "cron",
            ["CRON_TZ=UTC", "A cron that knows no CRON_TZ", "30 6 * * mon", "report run daily -w"],
        ),
        (
            "systemd",
            ["OnCalendar=Mon *-*-* 6:30:00 UTC", "Persistent=true", '"report" "run" "daily"'],
        ),
        ("airflow", ["schedule='30 6 * * mon'", "catchup=False", "data_interval_end"]),
        ("prefect", ["Cron('30 6 * * mon', timezone='UTC')", "to_deployment('daily'"]),
    ],
)
def test_it_is_printed_for_other_tools(shop, capsys, form, said):
    write(shop, "30 6 * * mon")

    assert cli.main(["schedule", str(shop), "--print", form]) == 0

    text = capsys.readouterr().out
    assert all(s in text for s in said), text
    if form in ("airflow", "prefect"):
        compile(text, form, "exec")


def test_the_command_prints_what_ran(shop, capsys):
    with suppress(SystemExit):
        assert cli.main(["schedule", str(shop), "--catch-up"]) == 0
    assert cli.main(["schedule", str(shop), "--history"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["event"] == "scheduled from here on"


def test_a_day_of_the_month_or_of_the_week_is_either_also_in_systemd(shop, capsys):
    write(shop, "0 6 1 * mon")

    assert cli.main(["schedule", str(shop), "--print", "systemd", "--jobs", "3"]) == 0

    text = capsys.readouterr().out
    assert "OnCalendar=Mon *-*-* 6:0:00 UTC\nOnCalendar=*-*-1 6:0:00 UTC\n" in text
    assert '"--jobs" "3"' in text


def test_what_changes_in_the_file_holds_from_then_on(shop):
    from apscheduler.schedulers.background import BackgroundScheduler

    timer, known, events = BackgroundScheduler(timezone=ZoneInfo("UTC")), {}, []
    timer.start(paused=True)

    def look():
        schedule._look_again(timer, known, shop, "UTC", events.append, (1, ""))
        return {j.id: j.next_run_time.strftime("%H:%M") for j in timer.get_jobs()}

    try:
        assert look() == {"daily": "06:00"}
        write(shop, "30 7 * * *")
        assert look() == {"daily": "07:30"}
        (shop / "reports.yaml").write_text("schema: reports/1\nreports: [", "utf-8")
        assert look() == {"daily": "07:30"}
        assert look() == {"daily": "07:30"}
        write(shop, None)
        assert look() == {}
    finally:
        timer.shutdown()
    assert [e["event"] for e in events] == [
        "scheduled", "scheduled", "reports.yaml cannot be read", "no longer scheduled",
    ]  # fmt: skip


def test_what_came_due_while_another_was_at_work_is_made_after_it_once(shop, monkeypatch):
    made, clock = [], [datetime(2026, 8, 3, 6, 0, 1, tzinfo=UTC)]

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return clock[0].astimezone(tz)

    def slow(_workspace, name, due, **_more):
        made.append(due)
        schedule._note(shop, {"report": name, "due_utc": due.astimezone(UTC).isoformat()})
        clock[0] += timedelta(hours=3, minutes=5) if len(made) == 1 else timedelta(minutes=1)

    write(shop, "0 * * * *")
    schedule._from_here_on(shop, "daily", clock[0] - timedelta(minutes=30))
    monkeypatch.setattr(schedule, "datetime", Clock)
    monkeypatch.setattr(schedule, "run_due", slow)

    schedule._fire(shop, "daily", 1, "", lambda _event: None, "UTC")

    assert [m.strftime("%H:%M") for m in made] == ["06:00", "09:00"]


def test_a_file_that_cannot_be_read_at_its_time_is_noted_and_ends_nothing(shop):
    (shop / "reports.yaml").write_text("reports: [", "utf-8")

    schedule._fire(shop, "daily", 1, "", lambda _event: None, "UTC")

    assert schedule.history(shop)[-1]["code"] == 2


def test_a_schedule_stopped_by_hand_says_so_in_its_history(shop, monkeypatch):
    def stopped(*_given, **_named):
        raise KeyboardInterrupt

    monkeypatch.setattr(schedule, "run_batch", stopped)
    with pytest.raises(KeyboardInterrupt):
        schedule.run_due(shop, "daily", datetime(2026, 8, 3, 6, tzinfo=UTC))

    assert schedule.history(shop)[-1]["why"] == "stopped by hand"


def test_a_scheduled_batch_goes_over_the_cluster_and_findings_that_stop_it_are_told(
    shop, monkeypatch, tmp_path
):
    asked = []

    def run(*_given, **named):
        asked.append(named["cluster"])
        raise FindingsError("two findings")  # noqa: EM101

    monkeypatch.setattr(schedule, "run_batch", run)
    write(shop, alert=[{"folder": str(tmp_path / "told")}])
    code = schedule.run_due(
        shop, "daily", datetime(2026, 8, 3, 6, tzinfo=UTC), cluster="tcp://somewhere:1"
    )

    assert (code, asked) == (1, ["tcp://somewhere:1"])
    assert "two findings" in next((tmp_path / "told").iterdir()).read_text("utf-8")
