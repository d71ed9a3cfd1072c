"""The dashboards' server by itself: who gets in, what starts a kernel, what ends it, and what a kernel never knows."""

import ast
import asyncio
import html
import http.client
import json
import re
import threading
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
from jupyter_client import BlockingKernelClient
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from e2e.applications import SECONDS
from journey_widgets import Workspace
from journey_widgets.errors import ParameterError
from journey_widgets.publish.dashboard_kernels import is_left
from journey_widgets.publish.dashboards import serve
from journey_widgets.publish.readers import set_password
from support.canary import CANARY, plant
from support.processes import kernels_of

pytestmark = pytest.mark.e2e
OVERVIEW = "voila/render/overview.ipynb"
ROUTES = (
    "", "voila/tree", OVERVIEW, "voila/render/raci.ipynb", "voila/static/voila.js", "voila/files/raci.ipynb",
    "voila/files/x.png", "voila/api/contents", "voila/templates/journey/static/x.css", "voila/labextensions/x",
    "voila/api/themes/x", "api/kernels", "api/kernels/0c0b5c2a-0000-0000-0000-000000000000", "voila/tree/../..",
)  # fmt: skip
OPEN_TO_ALL = {
    "voila/static/voila.js",
    "voila/labextensions/x",
    "voila/api/themes/x",
    "voila/templates/journey/static/x.css",
}
"""Voilà's own scripts and styles."""


@pytest.fixture(scope="module")
def reading(made_example):
    with serve(made_example) as server:
        yield server


class Visitor:
    """A browser without a screen: it keeps its cookies and follows nothing."""

    def __init__(self, served):
        self.served, self.cookies = served, {}

    def ask(self, path="", *, method="GET", body=None, **headers):
        target = urllib.parse.urlsplit(self.served.url)
        connection = http.client.HTTPConnection(target.hostname, target.port, timeout=60)
        cookie = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        named = {k.replace("_", "-"): v for k, v in headers.items()}
        if cookie:
            named["Cookie"] = cookie
        with closing(connection):
            connection.request(method, target.path + path, body=body, headers=named)
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
        for line in answer.msg.get_all("Set-Cookie") or []:
            name, _equals, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer.status, text, answer.msg


def kernels(served):
    return kernels_of(served.process.pid)


def environments(served):
    """What each kernel finds in its environment: asked of itself, by the keys beside its sockets."""
    asked = {"own": "__import__('json').dumps(dict(__import__('os').environ))"}
    found = []
    for kernel in kernels(served):
        socket = next(s.laddr for s in kernel.net_connections("unix") if "-ipc-" in s.laddr)
        client = BlockingKernelClient(connection_file=socket.partition("-ipc-")[0] + ".json")
        client.load_connection_file()
        client.start_channels()
        answer = client.execute("", user_expressions=asked, reply=True, timeout=60)
        client.stop_channels()
        text = answer["content"]["user_expressions"]["own"]["data"]["text/plain"]
        found.append(json.loads(ast.literal_eval(text)))
    assert found
    return found


def wait_for(what, seconds=60):
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.2)
    return found


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("segmnt=x", "This page has no parameter 'segmnt'. Did you mean 'segment'?"),
        ("workspace=/etc", "This page has no parameter 'workspace'"),
        ("as_of=2026-05&as_of=2026-06", "names a parameter twice"),
        ("segment=" + "x" * 5_000, "longer than 4,000 characters"),
        ("segment=a%0Ab", "is not one line of up to 2000 printable characters"),
        ("a%3D1%3Bimport%20os%3Bb=1", "This page has no parameter"),
        ("%3Cscript%3E=1", "This page has no parameter '<script>'"),
    ],
)
def test_an_address_that_cannot_be_is_answered_before_any_kernel_starts(reading, query, said):
    before = len(kernels(reading))

    status, text, _head = Visitor(reading).ask(f"{OVERVIEW}?{query}")

    assert status == 400
    assert said in html.unescape(text)
    assert "<script>" not in text
    assert len(kernels(reading)) == before


@pytest.mark.parametrize(
    ("method", "path"), [("HEAD", OVERVIEW), ("GET", "health"), ("GET", "voila/render/none.ipynb")]
)
def test_whoever_only_asks_whether_it_is_there_starts_no_kernel(reading, method, path):
    before = len(kernels(reading))

    status, _text, _head = Visitor(reading).ask(path, method=method)

    assert status == (404 if "none" in path else 200)
    assert len(kernels(reading)) == before


@pytest.mark.parametrize(
    "path", ["", "nowhere", "voila/render/none.ipynb", "voila/static/voila.js"]
)
def test_every_answer_carries_the_headers_that_protect_readers(reading, path):
    _status, _text, head = Visitor(reading).ask(path)

    policy = head["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in policy
    assert "object-src 'none'" in policy
    assert "connect-src 'self'" in policy
    assert head["X-Content-Type-Options"] == "nosniff"
    assert head["Referrer-Policy"] == "same-origin"
    assert "Tornado" not in (head["Server"] or "")


@pytest.mark.parametrize(
    "path",
    ["nowhere", "voila/render/none.ipynb", "voila/api/contents", "api/contents/x", "voila/tree/x"],
)
def test_what_is_not_there_is_said_in_our_words_and_names_no_place(reading, path):
    status, text, _head = Visitor(reading).ask(path)

    assert status == 404
    assert "There is no such page" in text
    assert "journey_serve_" not in text  # the folder it serves


def test_a_fault_of_the_server_itself_is_said_in_our_words_too(made_example):
    with serve(made_example) as served:
        [site] = [w for w in psutil.Process(served.process.pid).cmdline() if w.endswith("/site")]
        Path(site, "raci.ipynb").write_text("{", "utf-8")

        status, text, _head = Visitor(served).ask("voila/render/raci.ipynb")

    assert status >= 400
    said = text.partition("<main>")[2]
    assert "tell the dashboard's owner" in html.unescape(said)
    for word in ("Traceback", "journey_serve_", "raci.ipynb", "JSON"):
        assert word not in said


def test_an_address_under_another_name_is_refused_on_this_machine(reading):
    status, text, _head = Visitor(reading).ask("", Host="rebound.example")

    assert status == 403
    assert "Phone retailer" not in text


def test_without_the_token_nothing_is_had_and_with_it_the_address_forgets_it(made_example):
    with serve(made_example, way="token") as served:
        for path in ROUTES:
            stranger = Visitor(served)
            status, text, head = stranger.ask(path)
            assert status != 200 or path in OPEN_TO_ALL, path
            assert "Phone retailer" not in text
            assert served.auth.token not in text + str(head)
        assert kernels(served) == []

        guest = Visitor(served)
        status, _text, head = guest.ask(
            f"{OVERVIEW}?segment=device%3Dmobile&token={served.auth.token}"
        )
        assert status == 302
        assert head["Location"] == f"/{OVERVIEW}?segment=device%3Dmobile"
        status, text, _head = guest.ask("")
        assert (status, "jw-card" in text) == (200, True)

        wrong = Visitor(served)
        status, _text, _head = wrong.ask("?token=" + "0" * 48)
        assert status == 302  # to where one signs in
        assert wrong.ask("")[0] == 302


def sign_in(visitor, **fields):
    _status, page, _head = visitor.ask("login")
    mark = re.search(r'name="_xsrf"[^>]*value="([^"]+)"', page)[1]
    body = urllib.parse.urlencode({**fields, "_xsrf": mark})
    return visitor.ask(
        "login?next=/", method="POST", body=body, Content_Type="application/x-www-form-urlencoded"
    )


def test_readers_sign_in_with_name_and_password_and_a_form_from_elsewhere_does_nothing(example):
    for name in ("Mara Rossi", "Luca"):
        set_password(example, name, "correct horse battery")
    with serve(example, way="readers") as served:
        for fields in (
            {"name": "Mara Rossi", "password": "wrong horse battery"},
            {"name": "Nobody", "password": "correct horse battery"},
            {"name": "Mara Rossi", "password": ""},
        ):
            visitor = Visitor(served)
            status, text, _head = sign_in(visitor, **fields)
            assert (status, "That is not right" in text) == (401, True)
            assert visitor.ask("")[0] == 302

        guesser = Visitor(served)
        tried = [sign_in(guesser, name="Luca", password=f"guess {n}")[0] for n in range(6)]
        assert tried == [401] * 5 + [429]
        status, text, _head = sign_in(guesser, name="Luca", password="correct horse battery")  # noqa: S106
        assert (status, "Too many tries. Wait a minute" in text) == (429, True)

        forged = "name=Mara+Rossi&password=correct+horse+battery"
        assert Visitor(served).ask("login", method="POST", body=forged)[0] == 403

        mara = Visitor(served)
        status, _text, head = sign_in(mara, name="Mara Rossi", password="correct horse battery")  # noqa: S106
        assert (status, head["Location"]) == (302, "/")
        assert "jw-card" in mara.ask("")[1]


def test_only_the_proxy_says_who_somebody_is(made_example):
    with serve(made_example, way="proxy=127.0.0.1") as served:
        assert Visitor(served).ask("", X_Forwarded_User="mara")[0] == 200
        assert Visitor(served).ask("")[0] == 403
    with serve(made_example, way="proxy=127.0.0.9") as served:
        assert Visitor(served).ask("", X_Forwarded_User="mara")[0] == 403


SCOPE = "access:services!service=journeys"


class Hub(BaseHTTPRequestHandler):
    """What a service asks a JupyterHub: a code is the name of who signed in, and so is the token it is changed for."""

    def do_GET(self):
        name = self.headers.get("Authorization", "").partition(" ")[2]
        scopes = [SCOPE] if name == "mara" else []
        user = {"kind": "user", "name": name, "admin": False, "groups": [], "scopes": scopes}
        self._answer(user if self.path.startswith("/hub/api/user") else {"version": "6.1.1"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = dict(urllib.parse.parse_qsl(body))
        assert asked["client_secret"] == "secret of the service"
        self._answer({"access_token": asked["code"], "token_type": "Bearer"})

    def _answer(self, found):
        text = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_given):
        pass


@pytest.fixture
def hub(monkeypatch):
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        host = f"http://127.0.0.1:{server.server_port}"
        told = {
            "API_TOKEN": "secret of the service", "API_URL": f"{host}/hub/api", "BASE_URL": "/", "HOST": host,
            "CLIENT_ID": "service-journeys", "SERVICE_NAME": "journeys", "SERVICE_PREFIX": "/services/journeys/",
            "OAUTH_ACCESS_SCOPES": json.dumps([SCOPE]),
        }  # fmt: skip
        for name, value in told.items():
            monkeypatch.setenv(f"JUPYTERHUB_{name}", value)
        yield host
        server.shutdown()
        thread.join()


def test_a_hub_says_who_somebody_is_and_its_secret_reaches_no_kernel(example, hub):
    with serve(example, way="jupyterhub", allow_edit=True) as served:
        assert served.url.endswith("/services/journeys/")

        def back_from_the_hub(name):
            visitor = Visitor(served)
            status, _text, head = visitor.ask("")
            assert status == 302
            assert head["Location"].startswith(f"{hub}/hub/api/oauth2/authorize?")
            state = dict(urllib.parse.parse_qsl(head["Location"].partition("?")[2]))["state"]
            return visitor, state, visitor.ask(f"oauth_callback?code={name}&state={state}")

        mara, _state, (status, _text, head) = back_from_the_hub("mara")
        assert (status, head["Location"]) == (302, "/services/journeys/")
        assert "jw-card" in mara.ask("")[1]
        assert "What needs somebody" in mara.ask(OVERVIEW)[1]
        for own in environments(served):
            assert own["HTTP_X_JOURNEY_READER"] == "mara"
            assert "secret of the service" not in own.values()
        server = psutil.Process(served.process.pid)
        for process in (server, *kernels(served)):
            assert "secret of the service" not in process.environ().values()

        _guest, state, _answer = back_from_the_hub("guest")
        assert _guest.ask("")[0] == 403
        assert Visitor(served).ask(f"oauth_callback?code=mara&state={state}")[0] == 403


def test_who_edited_is_noted_by_the_name_signed_in_with(example, new_page):
    set_password(example, "Mara Rossi", "correct horse battery")
    with serve(example, way="readers", allow_edit=True) as served, closing(new_page()) as page:
        page.goto(f"{served.url}voila/render/raci.ipynb")
        page.get_by_label("Name").fill("Mara Rossi")
        page.get_by_label("Password").fill("correct horse battery")
        page.get_by_role("button", name="Sign in").click()
        cell = page.locator('td[aria-label^="Review, Success manager:"]')
        cell.wait_for(timeout=SECONDS)
        cell.click()
        page.keyboard.press("a")
        page.get_by_role("status").get_by_text("1 warning", exact=True).first.wait_for()
        page.get_by_role("button", name="Save").click()
        page.get_by_text("Saved as revision 2").wait_for(timeout=SECONDS)

    assert Workspace.open(example).history("raci")["author"].tolist()[0] == "Mara Rossi"


def test_a_reader_of_one_unit_is_sent_nothing_of_another_also_not_what_was_kept(example, new_page):
    plant(example)
    with closing(Workspace.open(example)) as space:
        space.grant("tester", "admin")
        space.grant("anna", "viewer")
        space.grant("nora", "viewer", rows={"region": ["north"]})
    sent = {}
    for name in ("anna", "nora"):
        set_password(example, name, "correct horse battery")
    with serve(example, way="readers") as served:
        for name in ("anna", "nora"):
            page, found = new_page(), []
            page.on("websocket", lambda w, f=found: w.on("framereceived", lambda d: f.append(d)))
            page.goto(f"{served.url}voila/render/support.ipynb")
            page.get_by_label("Name").fill(name)
            page.get_by_label("Password").fill("correct horse battery")
            page.get_by_role("button", name="Sign in").click()
            page.locator(".jw-chart svg").nth(1).wait_for(timeout=SECONDS)
            page.wait_for_timeout(1_000)
            found.append(page.content())
            sent[name] = " ".join(
                f if isinstance(f, str) else f.decode("utf-8", "replace") for f in found
            )

    assert CANARY in sent["anna"]
    assert "only region north" in sent["nora"]
    assert CANARY not in sent["nora"]


def test_a_name_that_a_browser_claims_for_itself_is_thrown_away(example):
    with serve(example, way="token", allow_edit=True) as served:
        visitor = Visitor(served)
        visitor.ask(f"?token={served.auth.token}")
        visitor.ask(OVERVIEW, X_Journey_Reader="The Director")
        [own] = environments(served)
        assert "The Director" not in json.dumps(own)


def test_a_kernel_knows_no_secret_of_whoever_started_the_server(made_example, monkeypatch):
    for name in ("AWS_SECRET_ACCESS_KEY", "PGPASSWORD", "JOURNEY_SMTP_PASSWORD", "ANYTHING_ELSE"):
        monkeypatch.setenv(name, "canary-4711")
    monkeypatch.setenv("JOURNEY_TOKEN", "canary-4711-as-a-token")
    with serve(made_example, way="token") as served:
        visitor = Visitor(served)
        visitor.ask(f"?token={served.auth.token}")
        visitor.ask(OVERVIEW)
        [kernel] = kernels(served)
        [own] = environments(served)
        assert "canary" not in json.dumps([own, kernel.environ()])
        assert "canary" not in " ".join(kernel.cmdline())
        folder = own["JUPYTER_CONFIG_DIR"]
        assert "canary" not in "".join(
            p.read_text("utf-8") for p in Path(folder).rglob("*") if p.is_file()
        )


def test_when_all_places_are_taken_the_next_reader_is_told_kindly_and_gets_one_that_is_given_up(
    made_example, new_page
):
    with serve(made_example, most=1) as served:
        with closing(new_page()) as page:
            page.goto(f"{served.url}{OVERVIEW}")
            page.locator(".jw-chart svg").first.wait_for(timeout=SECONDS)

            status, text, _head = Visitor(served).ask(OVERVIEW)
            assert status == 503
            assert "All places are taken at the moment" in text
            assert 'http-equiv="refresh"' in text
            page.goto("about:blank")  # the reader leaves, and the page says so
            wait_for(lambda: not kernels(served))

        # The process has ended a moment before its place is free.
        wait_for(lambda: Visitor(served).ask(OVERVIEW)[0] == 200)


def test_kernels_that_are_ready_take_a_place_when_they_are_given_away(made_example):
    with serve(made_example, most=2, ready={"overview": 2}) as served:
        rested(served, 2)
        answers = []
        for _n in range(4):
            answers.append(Visitor(served).ask(OVERVIEW)[0])

        assert answers == [200, 200, 503, 503]


@pytest.mark.parametrize(
    ("minutes", "connected", "ended"),
    [(4, False, False), (6, False, True), (59, True, False), (61, True, True)],
)
def test_a_kernel_is_left_after_five_minutes_without_a_page_and_an_hour_with_one(
    minutes, connected, ended
):
    assert is_left(timedelta(minutes=minutes), connected=connected) == ended


def test_whoever_guesses_names_or_tokens_waits_too(example):
    set_password(example, "Luca", "correct horse battery")
    with serve(example, way="readers") as served:
        tried = [sign_in(Visitor(served), name=f"guess{n}", password="x" * 12)[0] for n in range(6)]
        assert tried == [401] * 5 + [429]
        right = {"name": "Luca", "password": "correct horse battery"}
        status, _text, _head = sign_in(Visitor(served), **right)
        assert status == 302  # who knows a name is not kept out by who knows none
    with serve(example, way="token") as served:
        tried = [sign_in(Visitor(served), password=f"token{n}")[0] for n in range(6)]
        assert tried == [401] * 5 + [429]


def test_a_kernel_that_no_page_is_connected_to_is_ended(made_example):
    with serve(made_example, idle_seconds=3) as served:
        for _n in range(3):
            assert Visitor(served).ask(OVERVIEW)[0] == 200
        wait_for(lambda: not kernels(served))


def test_a_path_behind_a_proxy_is_in_front_of_everything(made_example):
    with serve(made_example, base_url="journeys") as served:
        assert served.url.endswith("/journeys/")
        status, text, _head = Visitor(served).ask("")
        assert status == 200
        assert 'href="/journeys/voila/render/raci.ipynb"' in text
        assert Visitor(served).ask("voila/render/none.ipynb")[0] == 404


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"base_url": "a/../b"}, "cannot be part of an address"),
        ({"most": 0}, "1 or more were needed"),
        ({"ready": {"overvew": 1}}, "Did you mean 'overview'?"),
        ({"host": "0.0.0.0", "way": "none"}, "others reach 0.0.0.0"),  # noqa: S104
    ],
)
def test_a_server_that_cannot_be_is_not_started(made_example, given, said):
    with pytest.raises(ParameterError) as error, serve(made_example, **given):
        pass

    assert said in str(error.value)


def message(kind, content, **metadata):
    header = {
        "msg_id": kind + str(time.monotonic_ns()), "msg_type": kind, "username": "x", "session": "x",
        "version": "5.3", "date": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    return json.dumps(
        {
            "header": header,
            "parent_header": {},
            "metadata": metadata,
            "content": content,
            "channel": "shell",
            "buffers": [],
        }
    )


def socket_of(served, visitor, kernel, origin):
    url = served.url.replace("http://", "ws://") + f"api/kernels/{kernel}/channels"
    cookie = "; ".join(f"{k}={v}" for k, v in visitor.cookies.items())
    return websocket_connect(HTTPRequest(url, headers={"Origin": origin, "Cookie": cookie}))


def kernel_of(text):
    return re.search(r'"kernelId": ?"([0-9a-f-]{36})"', text)[1]


def test_a_reader_who_talks_to_the_kernel_by_hand_runs_no_code_and_saves_nothing(example):
    async def attack(served, visitor, kernel):
        with pytest.raises(HTTPClientError, match="403"):
            await socket_of(served, visitor, kernel, "http://elsewhere.example")
        socket = await socket_of(served, visitor, kernel, served.url.rstrip("/"))
        await socket.write_message(
            message("execute_request", {"code": f"open({str(mark)!r}, 'w')", "silent": False})
        )
        opened = {
            "comm_id": "c",
            "target_name": "jupyter.widget.control",
            "data": {},
            "metadata": {},
        }
        await socket.write_message(message("comm_open", opened, version="1.0.0"))
        await socket.write_message(
            message("comm_msg", {"comm_id": "c", "data": {"method": "request_states"}})
        )
        states = {}
        while not states:
            heard = json.loads(await asyncio.wait_for(socket.read_message(), 20))
            if heard["msg_type"] == "comm_msg":
                states = heard["content"]["data"].get("states", {})
        grids = [
            m
            for m, s in states.items()
            if "edit" in s["state"] and "rows" in json.dumps(s["state"])
        ]
        assert grids
        cells = {"social_ad": {"sales_rep": "A"}}
        edit = {"seq": 1, "steps": [{"seq": 1, "op": "cells", "cells": cells}], "save": 1}
        for grid in grids:
            for state in ({"read_only": False}, {"edit": edit}):
                data = {"method": "update", "state": state, "buffer_paths": []}
                await socket.write_message(message("comm_msg", {"comm_id": grid, "data": data}))
        await asyncio.sleep(3)
        socket.close()

    mark = example / "code-ran"
    with serve(example) as served:
        visitor = Visitor(served)
        _status, text, _head = visitor.ask("voila/render/raci.ipynb")
        with ThreadPoolExecutor(1) as aside:  # the browser's loop runs in this thread
            aside.submit(asyncio.run, attack(served, visitor, kernel_of(text))).result()

    assert not mark.exists()
    space = Workspace.open(example)
    assert space.rev("raci") == 1
    assert space.raci.cell("social_ad", "sales_rep") == "I"


def rested(served, many=1):
    """Wait until so many kernels are there and have imported everything: they use no time of the processor any more."""
    used = []

    def still():
        nonlocal used
        before, used = used, [sum(k.cpu_times()[:2]) for k in kernels(served)]
        time.sleep(0.8)
        return len(used) == many and used == before and min(used) > 0.2

    wait_for(still)


def test_ready_kernels_know_their_own_reader_and_the_data_of_now(example):
    with serve(example, ready={"overview": 1}) as served:
        rested(served)
        pages = []
        for many, device in enumerate(("mobile", "desktop"), start=2):
            _status, text, _head = Visitor(served).ask(f"{OVERVIEW}?segment=device%3D{device}")
            pages.append(text)
            rested(served, many)
        settings = example / "workspace.yaml"
        settings.write_text(
            settings.read_text("utf-8").replace("name: Phone retailer (example)", "name: Renamed"),
            "utf-8",
        )
        _status, text, _head = Visitor(served).ask(OVERVIEW)

    assert "device mobile only" in pages[0]
    assert "device desktop only" in pages[1]
    assert "all customers" in text
    assert "<dd>Renamed</dd>" in text


@pytest.mark.parametrize("wait", [0.1, 5.0], ids=["just now", "and was started anew, empty"])
def test_a_ready_kernel_that_died_is_left_out(example, wait):
    with serve(example, ready={"overview": 1}) as served:
        [kernel] = wait_for(lambda: kernels(served))
        rested(served)
        kernel.kill()
        time.sleep(wait)
        status, text, _head = Visitor(served).ask(OVERVIEW)

    assert status == 200
    assert "What needs somebody" in text
    assert "jw-tile" in text
