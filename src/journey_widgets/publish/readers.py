"""Who may read the dashboards, and how they say who they are: a shared token, names with passwords, or a proxy."""

import hmac
import os
import secrets
from dataclasses import dataclass, field
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from journey_widgets.documents import Document, Label
from journey_widgets.errors import InfrastructureError, ParameterError, WorkspaceError, did_you_mean
from journey_widgets.textfiles import read_text, write_text

FILE = "readers.yaml"
TOKEN = "JOURNEY_TOKEN"  # noqa: S105 - the name of a variable
LEAST_TOKEN, LEAST_PASSWORD = 16, 10
HUB = (
    "JUPYTERHUB_API_TOKEN",
    "JUPYTERHUB_API_URL",
    "JUPYTERHUB_CLIENT_ID",
    "JUPYTERHUB_SERVICE_PREFIX",
)
"""What a JupyterHub tells its services; the first is a secret."""
WAYS = ("none", "token", "readers", "proxy=ADDRESS", "jupyterhub")
NAMED = ("readers", "proxy", "jupyterhub")
"""Ways by which it is known who somebody is."""


class Readers(Document):
    """``readers.yaml``: names of readers and the hashes of their passwords."""

    kind: ClassVar[str] = "readers"

    readers: dict[Label, str] = Field(default_factory=dict)


@dataclass(frozen=True)
class Auth:
    """How readers say who they are.

    Parameters
    ----------
    way
        ``none``: whoever reaches the address reads. ``token``: whoever has the token. ``readers``: names and passwords.
        ``proxy``: a proxy at one address says who it is, and nobody else is let in. ``jupyterhub``: whoever is signed
        in at the hub whose service this is, and may use it.
    token
        Of the way ``token``.
    hashes
        Name → hash of its password.
    proxy
        Address of the proxy.
    secret
        Of the way ``jupyterhub``: the service's token at the hub.
    """

    way: Literal["none", "token", "readers", "proxy", "jupyterhub"] = "none"
    token: str = ""
    hashes: dict[str, str] = field(default_factory=dict)
    proxy: str = ""
    secret: str = ""

    @property
    def names_people(self) -> bool:
        """Whether it is known who somebody is."""
        return self.way in NAMED

    def as_settings(self) -> dict[str, Any]:
        """Return it as the server reads it."""
        return {"way": self.way, "token": self.token, "hashes": self.hashes, "proxy": self.proxy,
                "secret": self.secret}  # fmt: skip


def is_loopback(host: str) -> bool:
    """Return whether an address to listen at can be reached from this machine alone.

    Examples
    --------
    >>> [is_loopback(h) for h in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "shop.example")]
    [True, True, True, False, False]
    """
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def auth(way: str | None, *, workspace: Path, host: str, allow_edit: bool) -> Auth:
    """Return how readers say who they are, or what is wrong with the way that was asked for.

    Parameters
    ----------
    way
        One of `WAYS`; without it nobody is asked on this machine, and everywhere else, or where documents can be
        saved, a token is needed.
    workspace
        Folder that holds ``readers.yaml``.
    host
        Address to listen at.
    allow_edit
        Whether documents can be saved.

    Raises
    ------
    ParameterError
        An unknown way; nobody would be asked although others reach the address or may save; a token is too short;
        nobody is known by name who could be said to have saved.
    """
    local = is_loopback(host)
    kind, _equals, rest = (way or ("none" if local and not allow_edit else "token")).partition("=")
    if kind == "none" and not rest:
        if not local or allow_edit:
            why = "documents can be saved here" if local else f"others reach {host}"
            msg = f"--auth none cannot be, because {why}. Use --auth token, readers, or proxy=ADDRESS."
            raise ParameterError(msg)
        return Auth()
    if kind == "token" and not rest:
        if allow_edit and not local:
            msg = (
                "--allow-edit at an address that others reach needs to know who saves: a token is the same for all. "
                "Use --auth readers (journey reader NAME adds one) or proxy=ADDRESS."
            )
            raise ParameterError(msg)
        return Auth("token", token=_token())
    if kind == "readers" and not rest:
        known = read_readers(workspace).readers
        if not known:
            msg = f"--auth readers needs names: {workspace} has no {FILE} with any. journey reader NAME adds one."
            raise ParameterError(msg)
        return Auth("readers", hashes=known)
    if kind == "proxy":
        try:
            return Auth("proxy", proxy=str(ip_address(rest or "127.0.0.1")))
        except ValueError:
            msg = (
                f"--auth proxy={rest}: the proxy's IP address was needed, such as proxy=127.0.0.1."
            )
            raise ParameterError(msg) from None
    if kind == "jupyterhub" and not rest:
        return Auth("jupyterhub", secret=_of_hub())
    msg = f"There is no --auth {way!r}. {did_you_mean(kind, WAYS)}"
    raise ParameterError(msg)


def _of_hub() -> str:
    if find_spec("jupyterhub") is None:
        msg = "--auth jupyterhub needs JupyterHub beside this package: pip install 'journey-widgets[hub]'."
        raise InfrastructureError(msg)
    missing = [name for name in HUB if not os.environ.get(name)]
    if missing:
        msg = (
            f"--auth jupyterhub is for a service that a JupyterHub starts: {', '.join(missing)} is not in the "
            "environment. See docs/deploy.md for the lines of jupyterhub_config.py."
        )
        raise ParameterError(msg)
    return os.environ[HUB[0]]


def _token() -> str:
    given = os.environ.get(TOKEN, "")
    if given and len(given) < LEAST_TOKEN:
        msg = f"{TOKEN} has {len(given)} characters; {LEAST_TOKEN} or more were needed, such as of secrets.token_hex()."
        raise ParameterError(msg)
    return given or secrets.token_hex(24)


def read_readers(workspace: Path) -> Readers:
    """Return the readers of a workspace; others who can read the file are a `WorkspaceError`."""
    path = workspace / FILE
    if not path.is_file():
        return Readers()
    if os.name == "posix" and path.stat().st_mode & 0o077:
        msg = f"Others on this machine can read {path}, which holds hashes of passwords. chmod 600 {path}"
        raise WorkspaceError(msg)
    return Readers.from_text(read_text(path), where=FILE)


def set_password(workspace: Path, name: str, password: str | None) -> None:
    """Add a reader or give one another password; without a password the reader is taken out.

    Raises
    ------
    ParameterError
        The password is too short; the reader to take out is not there.
    """
    from jupyter_server.auth.security import passwd

    known = dict(read_readers(workspace).readers)
    if password is None:
        if name not in known:
            msg = f"There is no reader {name!r}. {did_you_mean(name, known)}"
            raise ParameterError(msg)
        del known[name]
    elif len(password) < LEAST_PASSWORD:
        msg = f"The password has {len(password)} characters; {LEAST_PASSWORD} or more were needed."
        raise ParameterError(msg)
    else:
        known[name] = passwd(password)
    write_text(workspace / FILE, Readers(readers=known).to_text(), mode=0o600)


def same(given: str, wanted: str) -> bool:
    """Return whether two secrets are the same, in a time that tells nothing about where they differ."""
    return hmac.compare_digest(given.encode(), wanted.encode())
