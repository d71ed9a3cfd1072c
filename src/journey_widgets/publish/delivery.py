"""Where a finished batch goes: to a folder, by mail, to a web address; each once, in a step of its own.

Passwords stand in the environment alone: `JOURNEY_SMTP_URL`, such as ``smtps://name:password@mail.example:465``, and
`JOURNEY_MAIL_FROM`. A batch that went out with the same contents does not go out again.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import smtplib
import ssl
import urllib.request
from collections.abc import Iterator, Mapping
from email.message import EmailMessage
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, model_validator

from journey_widgets.documents import Label, Part
from journey_widgets.errors import InfrastructureError, JourneyError
from journey_widgets.publish.readers import is_loopback
from journey_widgets.textfiles import write_bytes, write_text

SMTP, SENDER = "JOURNEY_SMTP_URL", "JOURNEY_MAIL_FROM"
RECORD, LOCK = "delivered.json", ".delivery.lock"
SECONDS = 30
MOST_ATTACHED, MOST_BYTES = 20, 15_000_000
"""Reports that are attached to one mail, and how large they may be together."""
_ADDRESS = re.compile(r"^[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+$")


def _address(text: str) -> str:
    if not _ADDRESS.match(text) or not text.isascii():
        msg = f"{text!r} is no mail address"
        raise ValueError(msg)
    return text


def _webhook(text: str) -> str:
    parts = urlsplit(text)
    local = is_loopback(parts.hostname or "")
    if (
        not parts.hostname
        or parts.username
        or (parts.scheme != "https" and not (parts.scheme == "http" and local))
    ):
        msg = f"{text!r} is no address to send to: https://… without a name and password in it was needed"
        raise ValueError(msg)
    return text


class Target(Part):
    """One place to which a batch goes: a folder, people, or a web address."""

    folder: Label | None = None
    """Path; of a relative one the workspace is the beginning. The batch lies in ``NAME/DAY/`` of it."""
    mail: tuple[Annotated[str, AfterValidator(_address)], ...] = ()
    attach: bool = True
    """Whether a mail carries the reports where they are few, or only says what there is."""
    webhook: Annotated[str, AfterValidator(_webhook)] | None = None
    """Is sent a summary as JSON; never a path of this machine."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum((bool(self.folder), bool(self.mail), bool(self.webhook))) != 1:
            msg = "a target is one folder, mail addresses, or one webhook: give one of them"
            raise ValueError(msg)
        return self

    @property
    def said(self) -> str:
        """What it is, for logs: no address that somebody could use."""
        if self.folder:
            return f"folder {Path(self.folder).name}"
        if self.mail:
            return f"mail to {len(self.mail)}"
        return f"webhook at {urlsplit(str(self.webhook)).hostname}"


def contents(folder: Path, manifest: Mapping[str, Any]) -> str:
    """Return the hash of what a batch says, whenever it was made."""
    found = {}
    for run in manifest["runs"]:
        try:
            found[run["stem"]] = json.loads((folder / f"{run['stem']}.json").read_text("utf-8"))[
                "content"
            ]
        except (OSError, ValueError, KeyError):
            found[run["stem"]] = ""
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()


def deliver(target: Target, folder: Path, manifest: Mapping[str, Any], workspace: Path) -> bool:
    """Send a finished batch to one place; return False where it went there before with the same contents.

    Raises
    ------
    InfrastructureError
        It could not be sent; the next batch, or the same one started again, tries once more.
    """
    with _one_at_a_time(folder):
        return _delivered(target, folder, manifest, workspace)


@contextlib.contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Wait until nobody else delivers a batch: who was second finds that it went out."""
    with (folder / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _delivered(target: Target, folder: Path, manifest: Mapping[str, Any], workspace: Path) -> bool:
    key = hashlib.sha256(target.model_dump_json().encode()).hexdigest()[:16]
    what = contents(folder, manifest)
    if _record(folder).get(key) == what:
        return False
    subject = f"{manifest['report']}, {manifest['day']}: {_counts(manifest)}"
    if target.folder:
        _to_folder(workspace / target.folder, folder, manifest)
    elif target.mail:
        attached = _attached(folder, manifest) if target.attach else []
        _mail(target.mail, subject, _told(manifest, attached), attached, f"{key}-{what[:24]}")
    else:
        _post(str(target.webhook), {**summary(manifest), "text": subject}, f"{key}-{what[:24]}")
    write_text(folder / RECORD, json.dumps(_record(folder) | {key: what}, indent=1) + "\n")
    return True


def tell(
    target: Target,
    subject: str,
    lines: list[str],
    facts: Mapping[str, Any],
    mark: str,
    workspace: Path,
) -> None:
    """Send words to one place; a folder is given them as a file. `mark` is the same for the same words."""
    text = "\n".join(lines) + "\n"
    if target.folder:
        place = workspace / target.folder
        try:
            place.mkdir(parents=True, exist_ok=True)
            write_text(place / f"alert-{mark}.txt", f"{subject}\n\n{text}")
        except OSError as error:
            raise _failed(error, "The folder cannot be written") from None
    elif target.mail:
        _mail(target.mail, subject, text, [], mark)
    else:
        _post(str(target.webhook), {**facts, "text": subject, "lines": lines}, mark)


def summary(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a batch came to, for machines."""
    return {k: manifest[k] for k in ("report", "workspace", "day", "counts")}


def _record(folder: Path) -> dict[str, str]:
    try:
        found = json.loads((folder / RECORD).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _counts(manifest: Mapping[str, Any]) -> str:
    counts = manifest["counts"]
    there, bad = counts["made"] + counts["fresh"], counts["failed"] + counts["refused"]
    return f"{there:,} reports" + (f", {bad:,} not made" if bad else "")


def _told(manifest: Mapping[str, Any], attached: list[Path]) -> str:
    missing = [r for r in manifest["runs"] if "why" in r]
    lines = [
        f"{manifest['report']} of {manifest['workspace']}, for {manifest['day']}: {_counts(manifest)}."
    ]
    lines += [f"Not made: {r['stem']}" for r in missing[:MOST_ATTACHED]]
    if not attached:
        lines.append("The reports lie where they always do.")
    return "\n".join(lines) + "\n"


def _files(folder: Path, manifest: Mapping[str, Any]) -> list[str]:
    """Return the files of the reports that are there, each that its manifest vouches for."""
    found = []
    for run in manifest["runs"]:
        if run["status"] in ("made", "fresh"):
            found += sorted(
                json.loads((folder / f"{run['stem']}.json").read_text("utf-8"))["files"]
            )
    return found


def _attached(folder: Path, manifest: Mapping[str, Any]) -> list[Path]:
    """Return what goes along with a mail: the reports as PDF or page; nothing where they are many or large."""
    files = _files(folder, manifest)
    pdfs = [f for f in files if f.endswith(".pdf")]
    chosen = [folder / f for f in pdfs or [f for f in files if f.endswith(".html")]]
    if len(chosen) > MOST_ATTACHED or sum(p.stat().st_size for p in chosen) > MOST_BYTES:
        return []
    return chosen


def _to_folder(place: Path, folder: Path, manifest: Mapping[str, Any]) -> None:
    """Copy a batch file by file, the page that leads to the others last."""
    target = place.resolve() / str(manifest["report"]) / str(manifest["day"])
    if folder.resolve().is_relative_to(target) or target.is_relative_to(folder.resolve()):
        msg = "The folder to deliver to is the one the reports are made in; another one was needed."
        raise InfrastructureError(msg)
    pages = sorted(p.name for p in folder.glob("*.html") if p.name.startswith("role-"))
    try:
        target.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(target).free < sum(
            (folder / n).stat().st_size for n in _files(folder, manifest)
        ):
            msg = "There is no room for the reports in the folder to deliver to."
            raise InfrastructureError(msg)
        for name in [*_files(folder, manifest), *pages, "index.html"]:
            write_bytes(target / name, (folder / name).read_bytes())
    except OSError as error:
        raise _failed(error, "The folder to deliver to cannot be written") from None


def _mail(to: tuple[str, ...], subject: str, text: str, attached: list[Path], mark: str) -> None:
    sender, server = os.environ.get(SENDER, ""), urlsplit(os.environ.get(SMTP, ""))
    if server.scheme not in ("smtp", "smtps") or not server.hostname or not _ADDRESS.match(sender):
        msg = f"Mail needs a server in {SMTP}, such as smtps://name:password@mail.example, and a sender in {SENDER}."
        raise InfrastructureError(msg)
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, ", ".join(to), subject[:200]
    mail["Message-ID"] = f"<{mark}@{sender.rpartition('@')[2]}>"  # the same batch is the same mail
    mail.set_content(text)
    kinds = {".pdf": ("application", "pdf"), ".html": ("text", "html")}
    for path in attached:
        main, sub = kinds[path.suffix]
        mail.add_attachment(path.read_bytes(), maintype=main, subtype=sub, filename=path.name)
    name, password = (unquote(v) if v else "" for v in (server.username, server.password))
    try:
        if server.scheme == "smtps":
            secure = ssl.create_default_context()
            made: smtplib.SMTP = smtplib.SMTP_SSL(
                server.hostname, server.port or 465, timeout=SECONDS, context=secure
            )
        else:
            made = smtplib.SMTP(server.hostname, server.port or 587, timeout=SECONDS)
        with made as connection:
            if server.scheme == "smtp" and not is_loopback(server.hostname):
                connection.starttls(context=ssl.create_default_context())
            if name:
                connection.login(name, password)
            connection.send_message(mail)
    except (OSError, smtplib.SMTPException) as error:
        raise _failed(error, "The mail could not be sent") from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_given: Any) -> None:
        return None


def _post(url: str, body: Mapping[str, Any], mark: str) -> None:
    request = urllib.request.Request(  # noqa: S310 - its scheme was checked
        url, data=json.dumps(body).encode(), method="POST",
        headers={"Content-Type": "application/json", "Idempotency-Key": mark, "User-Agent": "journey"},
    )  # fmt: skip
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=SECONDS):
            return
    except (OSError, ValueError) as error:
        raise _failed(error, "The webhook did not take it") from None


def _failed(error: Exception, what: str) -> JourneyError:
    """Return what broke in words; answers of servers may hold what is nobody's to see."""
    kind = getattr(error, "code", None) or getattr(error, "smtp_code", None) or type(error).__name__
    return InfrastructureError(f"{what} ({kind}).")
