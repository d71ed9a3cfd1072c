"""Where batches go: a folder, a real mail server, a real web server; each once, and nothing secret along with it."""

import json
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from aiosmtpd.controller import Controller
from pydantic import ValidationError

from journey_widgets import Workspace, cli, shipped
from journey_widgets.errors import InfrastructureError
from journey_widgets.publish.batch import Batch, run_batch
from journey_widgets.publish.batch_ends import after_batch, not_begun
from journey_widgets.publish.dashboards import _free_port
from journey_widgets.publish.delivery import SENDER, SMTP, Target, deliver
from journey_widgets.publish.pdf import BROWSER, to_pdf
from journey_widgets.publish.report_plan import read_reports
from publish.test_parameters import TAGGED, notebook
from support import browser as browsers

DAY = date(2026, 8, 16)
START = ('segment: str = "all"  # which', TAGGED)
RED = """
from journey_widgets.publish import html, standings
import os, json
reds = json.loads(open(os.environ["JOURNEY_WORKSPACE"] + "/reds.json").read()).get(segment, [])
html.note("a report of " + segment).carrying(standings.MIME, [
    {"kpi": k, "label": k.title(), "owner": "shop", "owner_label": "Shop", "status": "red", "certain": True,
     "value": 0.1, "low": 0.08, "high": 0.12, "n": 100.0, "target": 0.5, "weight": 0.2, "shown": "10 %",
     "between": "8 % to 12 %", "aimed": "50 %", "chance": 1e-9} for k in reds])
"""


@pytest.fixture(scope="module")
def once(tmp_path_factory):
    """A workspace without sources, with the two reports of a day."""
    folder = tmp_path_factory.mktemp("once")
    (folder / "notebooks").mkdir()
    Workspace.create(folder / "shop").close()
    notebook(folder / "notebooks" / "r.ipynb", START, RED)
    (folder / "shop" / "units.csv").write_text("segment\none\ntwo\n")
    (folder / "shop" / "reds.json").write_text("{}")
    write(folder / "shop")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(shipped, "notebooks", lambda: folder / "notebooks")
        assert run_batch(folder / "shop", "each", day=DAY).exit_code == 0
    return folder


@pytest.fixture
def shop(once, tmp_path, shelf):
    """A copy of it: what is asked for again is there, and new where the notebook says something else."""
    shutil.copytree(once / "shop", tmp_path / "shop")
    shutil.copy(once / "notebooks" / "r.ipynb", shelf / "r.ipynb")
    return tmp_path / "shop"


def write(workspace, **more):
    entry = {"notebook": "r", "for_each": {"table": "units.csv"}, **more}
    (workspace / "reports.yaml").write_text(
        f"schema: reports/1\nreports:\n  each: {json.dumps(entry)}\n"
    )


def made(workspace, day=DAY, **more):
    """Make what is missing of the batch of a day, and what follows it; return what was said."""
    said = []
    batch = run_batch(workspace, "each", day=day, **more)
    fine = after_batch(
        workspace, read_reports(workspace).spec("each"), batch, lambda w, f: said.append((w, f))
    )
    return batch, fine, said


def ended(workspace, day, reds=()):
    """What follows a batch of a report that was made, without making it: its red KPIs are given."""
    folder = workspace / "reports" / "each" / day.isoformat()
    folder.mkdir(parents=True)
    rows = [
        {
            "kpi": k, "label": k.title(), "owner": "shop", "owner_label": "Shop", "status": "red", "certain": True,
            "value": 0.1, "low": 0.08, "high": 0.12, "n": 100.0, "target": 0.5, "weight": 0.2, "shown": "10 %",
            "between": "8 % to 12 %", "aimed": "50 %", "chance": 1e-9,
        }
        for k in reds
    ]  # fmt: skip
    (folder / "each-one.json").write_text(
        json.dumps({"standing": rows, "content": "x", "files": {}})
    )
    counts = {"made": 1, "fresh": 0, "failed": 0, "refused": 0, "left out": 0}
    runs = [
        {
            "stem": "each-one",
            "parameters": {"segment": "one", "as_of": f"{day:%Y-%m}"},
            "status": "made",
        }
    ]
    manifest = {
        "report": "each",
        "workspace": "Shop",
        "day": day.isoformat(),
        "counts": counts,
        "runs": runs,
    }
    (folder / "batch.json").write_text(json.dumps(manifest))
    said = []
    after_batch(
        workspace,
        read_reports(workspace).spec("each"),
        Batch(folder, manifest),
        lambda w, f: said.append((w, f)),
    )
    return said


class Kept:
    """Keeps the mails a server is given."""

    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - the library's name
        self.mails.append((envelope.rcpt_tos, message_from_bytes(envelope.content)))
        return "250 OK"


@pytest.fixture
def smtp(monkeypatch):
    kept = Kept()
    port = _free_port(0)
    server = Controller(kept, hostname="127.0.0.1", port=port)
    server.start()
    monkeypatch.setenv(SMTP, f"smtp://127.0.0.1:{port}")
    monkeypatch.setenv(SENDER, "reports@shop.example")
    yield kept.mails
    server.stop()


@pytest.fixture
def hook():
    """A web server that keeps what it is sent; its answer can be set."""
    taken, answer = [], [204]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append((dict(self.headers), json.loads(body)))
            self.send_response(answer[0])
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_given):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/x", taken, answer
        server.shutdown()
        thread.join()


def test_a_batch_goes_to_a_folder_once_and_again_when_it_says_something_else(shop, tmp_path):
    write(shop, deliver=[{"folder": str(tmp_path / "share")}])

    _batch, fine, said = made(shop)
    place = tmp_path / "share" / "each" / "2026-08-16"
    names = sorted(p.suffix for p in place.iterdir())
    assert (fine, [w for w, _f in said]) == (True, ["delivered"])
    assert names == [".csv", ".csv", ".html", ".html", ".html"]
    assert not (place / "batch.json").exists()

    assert [w for w, _f in made(shop)[2]] == ["delivered before"]
    notebook(
        shop.parent / "notebooks" / "r.ipynb",
        START,
        RED.replace("a report of", "another report of"),
    )
    assert [w for w, _f in made(shop)[2]] == ["delivered"]


def test_people_get_the_reports_by_mail_and_no_path(shop, smtp):
    write(shop, deliver=[{"mail": ["anna@shop.example", "ben@shop.example"]}])

    made(shop)
    made(shop)

    [(to, mail)] = smtp
    assert to == ["anna@shop.example", "ben@shop.example"]
    assert mail["Subject"] == "each, 2026-08-16: 2 reports"
    attached = [p.get_filename() for p in mail.walk() if p.get_filename()]
    assert len(attached) == 2
    assert all(name.endswith(".html") for name in attached)
    assert str(shop) not in mail.as_string()
    assert mail["Message-ID"].endswith("@shop.example>")


def test_a_web_address_gets_a_summary_without_paths_and_its_answers_are_followed_nowhere(
    shop, hook
):
    url, taken, answer = hook
    write(shop, deliver=[{"webhook": url}])

    answer[0] = 302
    _batch, fine, said = made(shop)
    assert (fine, said[0][0], said[0][1]["why"]) == (
        False,
        "delivery failed",
        "The webhook did not take it (302).",
    )
    answer[0] = 204
    assert made(shop)[1]

    head, body = taken[-1]
    assert body["counts"]["fresh"] == 2
    assert body["text"] == "each, 2026-08-16: 2 reports"
    assert str(shop) not in json.dumps(taken)
    assert taken[0][0]["Idempotency-Key"] == head["Idempotency-Key"]


def test_a_batch_that_lacks_reports_is_held_back_unless_it_may_go_as_it_is(shop, tmp_path):
    bad = RED + "\nif segment == 'two': 1 / 0"
    notebook(shop.parent / "notebooks" / "r.ipynb", START, bad)
    write(shop, deliver=[{"folder": str(tmp_path / "share")}])

    batch, fine, said = made(shop)
    assert (batch.exit_code, fine, said) == (
        4,
        False,
        [("delivery held", {"to": "folder share", "missing": 1})],
    )
    assert not (tmp_path / "share").exists()

    write(shop, deliver=[{"folder": str(tmp_path / "share")}], send="any")
    assert [w for w, _f in made(shop)[2]] == ["delivered"]
    assert len(list((tmp_path / "share" / "each" / "2026-08-16").glob("each-*.html"))) == 1


def test_what_became_certainly_worse_is_told_once_and_again_after_it_was_over(shop, smtp):
    write(shop, alert=[{"mail": ["anna@shop.example"]}])

    def subjects(reds, day):
        ended(shop, date(2026, 9, day), reds.get("one", ()))
        return [m["Subject"] for _to, m in smtp]

    assert subjects({}, 1) == []
    assert subjects({"one": ["paid"]}, 2) == ["each, 2026-09-02: 1 new to look at"]
    assert len(subjects({"one": ["paid"]}, 3)) == 1
    assert len(subjects({"one": ["paid", "kept"]}, 4)) == 2
    assert len(subjects({}, 5)) == 2
    assert len(subjects({"one": ["paid"]}, 6)) == 3
    text = smtp[0][1].get_payload(decode=True).decode()
    assert (
        "Paid is certainly off target in segment one: 10 % (8 % to 12 %), target 50 %; Shop answers for it."
        in text
    )


def test_an_alert_that_could_not_be_sent_is_new_next_time(shop, hook):
    url, taken, answer = hook
    write(shop, alert=[{"webhook": url}])

    answer[0] = 500
    assert [w for w, _f in ended(shop, date(2026, 9, 1), ["paid"])] == ["alert failed"]
    answer[0] = 204
    assert [w for w, _f in ended(shop, date(2026, 9, 2), ["paid"])] == ["alerted"]
    assert ended(shop, date(2026, 9, 3), ["paid"]) == []
    assert len(taken) == 2


def test_of_a_day_that_is_past_nothing_is_said_to_be_new(shop, hook):
    url, taken, _answer = hook
    write(shop, alert=[{"webhook": url}])

    ended(shop, date(2026, 9, 2), ["paid"])
    assert ended(shop, date(2026, 9, 1), ["kept"]) == []
    assert ended(shop, date(2026, 9, 3), ["paid"]) == []
    assert len(taken) == 1


def test_a_report_that_was_not_made_is_told_once(shop, hook):
    url, taken, _answer = hook
    write(shop, alert=[{"webhook": url}])
    for day in (1, 2):
        folder = shop / "reports" / "each" / f"2026-09-0{day}"
        folder.mkdir(parents=True)
        runs = [
            {
                "stem": "each-one",
                "parameters": {"segment": "one"},
                "status": "failed",
                "why": "it broke",
            }
        ]
        counts = {"made": 0, "fresh": 0, "failed": 1, "refused": 0, "left out": 0}
        manifest = {
            "report": "each",
            "workspace": "Shop",
            "day": folder.name,
            "counts": counts,
            "runs": runs,
        }
        (folder / "batch.json").write_text(json.dumps(manifest))
        after_batch(shop, read_reports(shop).spec("each"), Batch(folder, manifest))

    assert [body["lines"] for _head, body in taken] == [["Not made: segment one: it broke"]]


def test_a_batch_that_findings_stop_is_told_once_until_one_is_made(shop, hook):
    url, taken, answer = hook
    write(shop, alert=[{"webhook": url}])
    spec, say = read_reports(shop).spec("each"), []

    def stopped(day, why="each is stopped by 2 findings"):
        not_begun(shop, "each", spec, date(2026, 9, day), why, lambda w, _f: say.append(w))

    answer[0] = 500
    stopped(1)
    answer[0] = 204
    stopped(2)
    stopped(3)
    assert say == ["alert failed", "alerted"]
    assert taken[-1][1]["text"] == "each, 2026-09-02: nothing was made"
    ended(shop, date(2026, 9, 4))
    stopped(5)
    assert say == ["alert failed", "alerted", "alerted"]


def test_however_many_start_it_a_batch_goes_out_once(shop, hook):
    url, taken, _answer = hook
    write(shop, deliver=[{"webhook": url}])
    ended(shop, date(2026, 9, 1))
    taken.clear()
    folder = shop / "reports" / "each" / "2026-09-01"
    (folder / "delivered.json").unlink(missing_ok=True)
    manifest = json.loads((folder / "batch.json").read_text("utf-8"))
    [target] = read_reports(shop).spec("each").deliver

    with ThreadPoolExecutor(5) as pool:
        sent = list(pool.map(lambda _n: deliver(target, folder, manifest, shop), range(5)))

    assert sorted(sent) == [False] * 4 + [True]
    assert len(taken) == 1


def test_a_batch_that_five_commands_begin_at_once_is_made_and_sent_once(shop, shelf, hook):
    url, taken, _answer = hook
    write(shop, deliver=[{"webhook": url}])
    command = (
        "import sys\nfrom pathlib import Path\nfrom journey_widgets import cli, shipped\n"
        "shipped.notebooks = lambda: Path(sys.argv[2])\n"
        "sys.exit(cli.main(['report', 'run', 'each', '-w', sys.argv[1], '--as-of', '2026-08-17']))"
    )
    given = [sys.executable, "-c", command, str(shop), str(shelf)]

    begun = [subprocess.Popen(given, stderr=subprocess.PIPE, text=True) for _n in range(5)]
    said = [p.communicate(timeout=120)[1] for p in begun]

    codes = [p.returncode for p in begun]
    assert 0 in codes
    assert set(codes) <= {0, 3}, said
    refused = [s for s, c in zip(said, codes, strict=True) if c]
    assert all("Another batch is making the reports in each/2026-08-17" in s for s in refused)
    assert len(taken) == 1
    manifest = json.loads((shop / "reports" / "each" / "2026-08-17" / "batch.json").read_text())
    assert len(manifest["runs"]) == 2


def test_days_beyond_those_that_are_kept_go_and_nothing_else(shop):
    write(shop, keep=2)
    other = shop / "reports" / "each" / "2020-01-01"
    other.mkdir(parents=True)
    (other / "mine.txt").write_text("mine")

    for day in (27, 28, 29):
        ended(shop, date(2026, 8, day))

    assert sorted(p.name for p in (shop / "reports" / "each").iterdir()) == [
        "2020-01-01",
        "2026-08-28",
        "2026-08-29",
    ]


@pytest.mark.parametrize(
    "target",
    [
        {"mail": ["anna@shop.example\nBcc: x@y.z"]}, {"mail": ["anna"]}, {"webhook": "http://shop.example/x"},
        {"webhook": "file:///etc/passwd"}, {"webhook": "https://name:secret@shop.example"}, {},
        {"folder": "a", "mail": ["a@b.c"]},
    ],
)  # fmt: skip
def test_a_place_that_cannot_be_is_refused(target):
    with pytest.raises(ValidationError):
        Target.model_validate(target)


def test_a_mail_without_a_server_or_with_one_that_is_gone_fails_in_words_without_its_password(
    shop, monkeypatch
):
    batch = run_batch(shop, "each", day=DAY)
    target = Target(mail=("anna@shop.example",))
    monkeypatch.delenv(SMTP, raising=False)
    with pytest.raises(InfrastructureError, match="Mail needs a server in JOURNEY_SMTP_URL"):
        deliver(target, batch.folder, batch.manifest, shop)

    monkeypatch.setenv(SMTP, "smtp://anna:canary@127.0.0.1:9")
    monkeypatch.setenv(SENDER, "reports@shop.example")
    with pytest.raises(
        InfrastructureError, match=r"could not be sent \(ConnectionRefusedError\)"
    ) as error:
        deliver(target, batch.folder, batch.manifest, shop)
    assert "canary" not in str(error.value)


def test_a_kernel_of_a_report_knows_no_password(shop, monkeypatch):
    monkeypatch.setenv(SMTP, "smtp://anna:canary@127.0.0.1:9")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    notebook(
        shop.parent / "notebooks" / "r.ipynb",
        START,
        "import os\nprint(dict(os.environ))\nassert 'canary' not in str(dict(os.environ))",
    )
    write(shop)

    assert run_batch(shop, "each", day=DAY).exit_code == 0


def test_a_report_is_a_pdf_and_a_notebook_too_where_it_is_asked_for(shop, monkeypatch):
    monkeypatch.setenv(BROWSER, str(browsers.find()))
    write(shop, formats=["pdf", "notebook"])

    batch = run_batch(shop, "each", day=DAY)

    assert batch.exit_code == 0
    assert [p.read_bytes()[:5] for p in sorted(batch.folder.glob("*.pdf"))] == [b"%PDF-"] * 2
    books = [p.read_text() for p in batch.folder.glob("*.ipynb")]
    assert len(books) == 2
    assert not any("papermill" in b or str(shop) in b or "/tmp" in b for b in books)  # noqa: S108 - looked for
    assert run_batch(shop, "each", day=DAY).manifest["counts"]["fresh"] == 2
    write(shop)
    again = run_batch(shop, "each", day=DAY, dry_run=True)
    assert [r["status"] for r in again.manifest["runs"]] == [
        "to make"
    ] * 2  # what is asked for is part of the key


def test_without_a_browser_a_pdf_is_refused_in_words_and_the_last_good_report_stays(
    shop, monkeypatch, tmp_path
):
    write(shop)
    good = run_batch(shop, "each", day=DAY)
    before = {p.name: p.read_bytes() for p in good.folder.glob("each-*")}
    monkeypatch.delenv(BROWSER, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    write(shop, formats=["pdf"])

    found = run_batch(shop, "each", day=DAY)

    assert found.exit_code == 4 or found.exit_code == 3
    assert "PDF needs a Chromium" in found.manifest["runs"][0]["why"]
    assert {
        p.name: p.read_bytes() for p in good.folder.glob("each-*") if p.suffix != ".ipynb"
    } == before
    with pytest.raises(InfrastructureError):
        to_pdf(tmp_path / "x.html", tmp_path / "x.pdf")


def test_the_command_says_where_a_batch_went_and_exits_4_where_it_could_not(shop, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    write(shop, deliver=[{"folder": str(tmp_path / "file")}])

    code = cli.main(["report", "run", "each", "-w", str(shop), "--as-of", "2026-08-16"])

    told = capsys.readouterr()
    assert code == 4
    assert (
        "delivery failed: to folder file, why The folder to deliver to cannot be written"
        in told.err
    )
    assert "2 fresh" in told.out
