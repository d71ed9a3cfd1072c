"""The dashboards' server: Voilà, with addresses checked before any kernel starts, readers, limits and headers of ours.

Run as ``python -m journey_widgets.publish.dashboard_server``; `dashboards` lays out what it serves and starts it. What
it is told beyond Voilà's own settings lies in ``journey.json`` in its configuration folder, which only it can read.
"""

import json
import logging
import os
import sys
import tempfile
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.auth.identity import IdentityProvider, User
from jupyter_server.auth.security import passwd_check
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from tornado import web
from traitlets import Dict, Unicode
from traitlets.config import Config
from voila.app import Voila
from voila.handler import BaseVoilaHandler
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.tornado.contentshandler import VoilaContentsHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.treehandler import TornadoVoilaTreeHandler
from voila.voila_identity_provider import VoilaLoginHandler

from journey_widgets.errors import ParameterError
from journey_widgets.publish.dashboard_kernels import Kernels, Said
from journey_widgets.publish.dashboards import SETTINGS, WAITS
from journey_widgets.publish.forked_kernels import forks
from journey_widgets.publish.parameters import Parameter, checked, declared
from journey_widgets.publish.readers import NAMED, same

READER = "X-Journey-Reader"
"""Header in which a kernel is told who its reader is; what a browser sends under this name is thrown away."""
FROM_PROXY = "X-Forwarded-User"
LONGEST_QUERY = 4_000
LONGEST_PLACE = 35
"""Letters of the folder of temporary files up to which sockets of kernels have names that are short enough."""
GUESSES, GUESSING = 5, 60
"""Wrong tries of a name from an address, after which it waits so many seconds before it may try again."""
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "Server": "journey",
    "X-Content-Type-Options": "nosniff",
}


class TokenReaders(IdentityProvider):
    """Whoever has the token reads; without a token everybody does."""

    @property
    def auth_enabled(self) -> bool:
        """Whether anybody is asked."""
        return bool(self.token)

    def process_login_form(self, handler: web.RequestHandler) -> User | None:
        """Return a reader who typed the token."""
        if self.token and same(handler.get_argument("password", ""), self.token):
            return self.generate_anonymous_user(handler)
        return None


class NamedReaders(IdentityProvider):
    """Readers with a name and a password."""

    hashes = Dict(config=True)
    token = ""

    def process_login_form(self, handler: web.RequestHandler) -> User | None:
        """Return the reader whose name and password were typed."""
        name = handler.get_argument("name", "").strip()
        typed = handler.get_argument("password", "")
        # A name that is not there takes as long as a wrong password: the answer's time tells nobody which it was.
        known = self.hashes.get(name) or next(iter(self.hashes.values()))
        fits = bool(typed) and passwd_check(known, typed)
        return User(name) if fits and name in self.hashes else None


class ProxiedReaders(IdentityProvider):
    """Readers whom a proxy names, and nobody whom it does not."""

    proxy = Unicode(config=True)
    token = ""
    login_available = False
    logout_available = False

    def get_user(self, handler: web.RequestHandler) -> User:
        """Return the reader whom the proxy names in a header."""
        name = handler.request.headers.get(FROM_PROXY, "").strip()
        if handler.request.remote_ip != self.proxy or not name or len(name) > 200:
            raise web.HTTPError(403)
        return User(name)


def without_token(handler: JupyterHandler) -> bool:
    """Lead a reader whose address named the token to the same one without it; return whether that was needed."""
    query = parse_qsl(handler.request.query, keep_blank_values=True)
    rest = [(k, v) for k, v in query if k != "token"]
    if len(rest) == len(query):
        return False
    handler.redirect(handler.request.path + (f"?{urlencode(rest)}" if rest else ""))
    return True


class DashboardHandler(TornadoVoilaHandler):
    """A dashboard: its address is checked like the parameters of a report, and only then a kernel starts."""

    @web.authenticated
    async def get(self, path: str | None = None) -> None:
        """Answer with the page."""
        if without_token(self):
            return
        pages: dict[str, list[Parameter]] = self.settings["journey_served"]
        if path not in pages:
            raise web.HTTPError(404)
        self._check(path, pages[path])
        named = self.settings["journey_auth"] in NAMED
        self.request.headers[READER] = str(self.current_user.username) if named else ""
        await self._drop_dead(path)
        await super().get(path=path)

    async def head(self, path: str | None = None) -> None:
        """Answer whoever only asks whether the page is there: no kernel starts."""
        if path not in self.settings["journey_served"]:
            raise web.HTTPError(404)

    def _check(self, path: str, known: list[Parameter]) -> None:
        query = self.request.query
        if len(query) > LONGEST_QUERY:
            raise Said(400, "%s", f"The address is longer than {LONGEST_QUERY:,} characters.")
        given = parse_qsl(query, keep_blank_values=True)
        names = [n for n, _v in given]
        try:
            if len(set(names)) < len(names):
                msg = "The address names a parameter twice; once was needed."
                raise ParameterError(msg)
            texts = {n[:40]: v for n, v in given if v.strip()}
            checked(texts, known, where="This page", hidden=("workspace",))
        except ParameterError as error:
            raise Said(400, "%s", str(error)) from None

    async def _drop_dead(self, path: str) -> None:
        """Leave out ready kernels that ended by themselves: a page of theirs would answer nothing."""
        for task in list(getattr(self.kernel_manager, "_pools", {}).get(path, [])):
            if not task.done():
                continue
            with suppress(Exception):
                found = task.result()
                if not await self.kernel_manager.is_as_started(found["kernel_id"]):
                    await ensure_async(
                        self.kernel_manager.shutdown_kernel(found["kernel_id"], now=True)
                    )
                continue
            self.kernel_manager._pools[path].remove(task)


class StartHandler(TornadoVoilaTreeHandler):
    """The start page."""

    @web.authenticated
    async def get(self, path: str = "") -> None:
        """Answer with the page."""
        if not without_token(self):
            await super().get(path)


class LoginHandler(VoilaLoginHandler):
    """Where readers say who they are; whoever guesses has to wait."""

    wrong: ClassVar[dict[tuple[str, str], list[float]]] = {}
    """Address and name (blank for names nobody has) → when what was typed was wrong."""

    @allow_unauthenticated
    def post(self) -> None:
        """Take what was typed."""
        name = self.get_argument("name", "").strip()
        known = name if name in getattr(self.identity_provider, "hashes", {}) else ""
        key, now = (str(self.request.remote_ip), known), time.monotonic()
        for other in [k for k, times in self.wrong.items() if times[-1] < now - GUESSING]:
            del self.wrong[other]
        recent = self.wrong.get(key, [])
        if len(recent) >= GUESSES:
            self.set_status(429)
            self.set_header("Retry-After", str(GUESSING))
            self._render({"error": "Too many tries. Wait a minute, then try again."})
            return
        super().post()
        if self.get_status() == 401:
            self.wrong[key] = [*recent, now]
        else:
            self.wrong.pop(key, None)

    def _render(self, message: dict[str, str] | None = None) -> None:
        template = self.settings["voila_jinja2_env"].get_template("login.html")
        told = (message or {}).get("error", "")
        said = "That is not right. Try again." if told == "Invalid credentials" else told
        self.write(
            template.render(
                **self.template_namespace, named=self.settings["journey_auth"] == "readers", said=said,
                form=self.xsrf_form_html(), next=self.get_argument("next", default=self.base_url),
            )
        )  # fmt: skip


class ShutdownHandler(VoilaShutdownKernelHandler):
    """Ends the kernel of a page that is closed: a browser's last word to the server cannot carry the usual proof."""

    def check_xsrf_cookie(self) -> None:
        """Let it pass where the page itself asks: by its origin and by a kernel's name that only the page knows."""
        if not self.check_origin():
            raise web.HTTPError(403)

    async def post(self, kernel_id: str) -> None:
        """End the kernel, once."""
        if kernel_id not in self.kernel_manager:
            raise web.HTTPError(404)
        await super().post(kernel_id)


def _protected(handler: type[web.RequestHandler]) -> type[web.RequestHandler]:
    """Return a handler whose answers carry our headers also where Jupyter's own handlers are not below it."""
    if issubclass(handler, JupyterHandler):
        return handler

    def set_default_headers(self: web.RequestHandler) -> None:
        for name, value in HEADERS.items():
            self.set_header(name, value)

    return type(handler.__name__, (handler,), {"set_default_headers": set_default_headers})


class HealthHandler(web.RequestHandler):
    """Says that the server is there, to whoever watches it: no kernel starts, nothing is told."""

    def get(self) -> None:
        """Answer."""
        self.set_header("Cache-Control", "no-store")
        self.write("ok")


class MissingHandler(BaseVoilaHandler):
    """Every other address."""

    async def prepare(self) -> None:
        """Say that there is nothing."""
        user = await ensure_async(self.identity_provider.get_user(self))
        self.current_user = self._jupyter_current_user = user
        raise web.HTTPError(404)


class Dashboards(Voila):
    """Voilà as we serve it."""

    told: ClassVar[dict[str, Any]] = {}
    """What `dashboards` told this server."""

    def init_settings(self) -> dict[str, Any]:
        """Return Voilà's settings with ours."""
        told = self.told
        settings: dict[str, Any] = super().init_settings()
        settings["identity_provider"].login_handler_class = LoginHandler
        manager = self.kernel_manager
        if self.told[
            "ready"
        ]:  # a kernel that is ready is started by nobody: it takes a place when it is given away
            manager.get_rendered_notebook = partial(
                manager.hand_over, manager.get_rendered_notebook
            )
        site = Path(self.root_dir)
        settings |= {
            "headers": HEADERS,
            "log_function": _log,
            "allow_remote_access": told["remote"],
            "local_hostnames": ["localhost"],
            "jinja2_env": settings["voila_jinja2_env"],
            "journey_auth": told["auth"]["way"],
            "journey_served": {p.name: declared(p) for p in site.glob("*.ipynb")},
            "default_handler_class": MissingHandler,
            "default_handler_args": {"voila_configuration": self.voila_configuration},
        }
        return settings

    def init_handlers(self) -> list[Any]:
        """Return Voilà's handlers with ours in their places, and without those that list files."""
        ours = {
            TornadoVoilaHandler: DashboardHandler,
            TornadoVoilaTreeHandler: StartHandler,
            VoilaShutdownKernelHandler: ShutdownHandler,
        }
        found = [
            (address, _protected(ours.get(handler, handler)), *rest)
            for address, handler, *rest in super().init_handlers()
            if handler is not VoilaContentsHandler
        ]
        return [*found, (url_path_join(self.server_url, "/health"), _protected(HealthHandler))]


def _log(handler: web.RequestHandler) -> None:
    """Note a request without what its address asks for: that may hold a token, or a name."""
    request = handler.request
    status = handler.get_status()
    level = logging.WARNING if status >= 500 else logging.INFO
    ms = 1000 * request.request_time()
    logging.getLogger("tornado.access").log(
        level, "%d %s %s %.0f ms", status, request.method, request.path, ms
    )


def configuration(told: dict[str, Any]) -> Config:
    """Return what Voilà is told beyond its settings file."""
    config = Config()
    asked = told["auth"]
    provider = {"readers": NamedReaders, "proxy": ProxiedReaders}.get(asked["way"], TokenReaders)
    if asked["way"] == "jupyterhub":
        from journey_widgets.publish.hub_readers import HubReaders

        provider = HubReaders
        config.HubReaders.secret = asked["secret"]
    config.Voila.identity_provider_class = provider
    config.Voila.token = asked["token"]
    config.NamedReaders.hashes = asked["hashes"]
    config.ProxiedReaders.proxy = asked["proxy"]
    config.IdentityProvider.cookie_options = {"samesite": "Lax"}
    config.VoilaConfiguration.multi_kernel_manager_class = Kernels
    config.VoilaConfiguration.http_header_envs = [READER]
    # Names of sockets have 107 characters.
    if sys.platform == "linux" and len(tempfile.gettempdir()) <= LONGEST_PLACE:
        config.KernelManager.transport = "ipc"
    config.Kernels.most = told["most"]
    config.Kernels.cull_idle_timeout = told["idle_seconds"]
    config.Kernels.cull_interval = max(1, min(30, told["idle_seconds"] // 4))
    if told["ready"]:
        config.VoilaConfiguration.preheat_kernel = True
        config.VoilaKernelManager.kernel_pools_config = {
            "default": {"pool_size": 0},
            **{name: {"pool_size": n} for name, n in told["ready"].items()},
        }
    config.VoilaExecutor.timeout_func = lambda cell: (
        None if WAITS in cell.metadata.get("tags", []) else told["cell_seconds"]
    )
    return config


def main() -> None:
    """Serve until the process is ended."""
    forks()  # it imports what kernels need while the server does
    told = Path(os.environ["JUPYTER_CONFIG_DIR"]) / SETTINGS
    Dashboards.told = json.loads(told.read_text("utf-8"))
    told.unlink()  # it holds secrets: kernels find neither it nor them
    Dashboards.launch_instance(argv=sys.argv[1:], config=configuration(Dashboards.told))


if __name__ == "__main__":
    main()
