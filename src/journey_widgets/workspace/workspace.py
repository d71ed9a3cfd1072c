"""Workspace: one folder (or database) that holds the documents, their history and the sources."""

import getpass
import hashlib
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pandas as pd

from journey_widgets import shipped
from journey_widgets.cross_impact.direct import direct_influence
from journey_widgets.cross_impact.document import CrossImpact
from journey_widgets.cross_impact.futures import Futures
from journey_widgets.cross_impact.rules import check as check_cross_impact
from journey_widgets.documents import Document, canonical_json
from journey_widgets.errors import (
    WorkspaceError,
    did_you_mean,
)
from journey_widgets.events.mapping import SourceMapping
from journey_widgets.events.only_rows import Rows, can_be_told_apart, only_rows
from journey_widgets.events.source import Source, read
from journey_widgets.events.warehouse_source import read_there
from journey_widgets.findings import Finding
from journey_widgets.journey.document import Journey, ToBeJourney
from journey_widgets.journey.rules import check as check_journey
from journey_widgets.merging import diff
from journey_widgets.raci.document import RaciMatrix
from journey_widgets.raci.policy import Links, RaciPolicy
from journey_widgets.raci.rules import check
from journey_widgets.roles import RoleRegister
from journey_widgets.safe import file_name
from journey_widgets.scorecard.document import Scorecard
from journey_widgets.scorecard.rules import check as check_scorecard
from journey_widgets.textfiles import read_text, write_text
from journey_widgets.upsell.document import UpsellPlan
from journey_widgets.upsell.rules import check as check_upsell
from journey_widgets.workspace.access import Member
from journey_widgets.workspace.audit import EXPORTED
from journey_widgets.workspace.linked import linked
from journey_widgets.workspace.saving import KINDS, Conflict, Saved, decide, known, parse
from journey_widgets.workspace.settings import Settings, Sources
from journey_widgets.workspace.store import Revision, Store
from journey_widgets.workspace.texts import (
    TEXT_FILES,
    agreed_with,
    content_hash,
    note_agreed,
    refuse_unreadable,
    was_edited,
)

STORE = "store.sqlite"

_D = TypeVar("_D", bound=Document)


@lru_cache(maxsize=8)
def _sources_in(text: str) -> Sources:
    """Return what ``sources.yaml`` says; a page asks for each of its sources and would read it as often."""
    return Sources.from_text(text, where="sources.yaml")


class Workspace:
    """The documents, their history and the sources of one customer journey."""

    def __init__(
        self,
        folder: Path | None,
        store: Store,
        settings: Settings,
        *,
        read_only: bool = False,
    ) -> None:
        self.folder, self.settings = folder, settings
        self.read_only = read_only or bool(store.only_for_reading)
        self._store = store
        self._seen: dict[str, tuple[int, Document]] = {}

    # --- making and opening -----------------------------------------------------------------

    @classmethod
    def create(
        cls, path: str | Path, *, template: str | None = None, name: str | None = None
    ) -> "Workspace":
        """Make a workspace in a new or empty folder, from a template or with nothing in it."""
        folder = Path(path)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            msg = f"{folder} exists and is not empty. Choose a new folder, or open it with journey check {folder}."
            raise WorkspaceError(msg)
        folder.parent.mkdir(parents=True, exist_ok=True)
        is_there = folder.exists()
        origin = shipped.template(template) if template else None
        with tempfile.TemporaryDirectory(
            dir=folder.resolve().parent, prefix=".journey-"
        ) as scratch:
            made = Path(scratch) / "workspace"
            if origin:
                shutil.copytree(origin, made, ignore=shutil.ignore_patterns(f"{STORE}*", ".cache"))
            else:
                made.mkdir()
                words = "".join(c if c.isprintable() else " " for c in folder.resolve().name)
                label = name or words.replace("_", " ").strip() or "Workspace"
                write_text(made / "workspace.yaml", Settings(name=label).to_text())
                write_text(made / "sources.yaml", Sources().to_text())
            made.chmod(0o700)
            workspace = cls._open_folder(made, create=True)
            if (made / "documents").is_dir():
                workspace.import_texts(note=f"from template {template}")
            workspace.close()
            if is_there:  # empty, and perhaps where somebody stands: filled, not replaced
                for part in sorted(made.iterdir(), key=lambda p: p.name == "workspace.yaml"):
                    part.replace(folder / part.name)
            else:
                try:
                    made.replace(folder)
                except OSError:
                    if not folder.exists():
                        raise
                    msg = f"{folder} was made by somebody else at the same time. Open it, or choose another folder."
                    raise WorkspaceError(msg) from None
        return cls.open(folder)

    @classmethod
    def open(cls, path_or_url: str | Path, *, read_only: bool = False) -> "Workspace":
        """Open the workspace in a folder, or the documents in a database by its SQLAlchemy URL.

        With `read_only` nothing can be saved, by whatever way.
        """
        if "://" in str(path_or_url):
            store = _store_at(str(path_or_url), read_only=read_only)
            if not read_only:
                store.prepare()
            return cls(None, store, Settings(name="Workspace"), read_only=read_only)
        folder = Path(path_or_url)
        if not (folder / "workspace.yaml").is_file():
            what = "has no workspace.yaml" if folder.is_dir() else "does not exist"
            msg = f"{folder} is no workspace: it {what}. Make one with journey new {folder}."
            raise WorkspaceError(msg)
        if read_only and not (folder / STORE).exists():  # a folder with its documents' text alone
            cls._open_folder(folder, create=False).close()
        return cls._open_folder(folder, create=False, read_only=read_only)

    @classmethod
    def _open_folder(cls, folder: Path, *, create: bool, read_only: bool = False) -> "Workspace":
        settings = Settings.from_text(read_text(folder / "workspace.yaml"), where="workspace.yaml")
        if settings.store:
            store = Store(settings.store, who=author())
            if not read_only:
                store.prepare()
            return cls(folder, store, settings, read_only=read_only)
        file = folder / STORE
        fresh = not file.exists()
        store = Store.in_file(file, who=author(), read_only=read_only)
        workspace = cls(folder, store, settings, read_only=read_only)
        if fresh and not create and (folder / "documents").is_dir():
            workspace.import_texts(note="from the text in documents/")
        return workspace

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    @property
    def author(self) -> str:
        """Who reads and saves here: ``JOURNEY_AUTHOR``, or the name of the login."""
        return self._store.who

    # --- who may do what ----------------------------------------------------------------------

    @property
    def member(self) -> Member:
        """What whoever opened this workspace may do: name, role, and the rows they may see (none named: all)."""
        return self._store.member()

    def members(self) -> pd.DataFrame:
        """Return who is named in this workspace; nobody means that whoever reaches it may do everything.

        Columns: ``name``, ``role`` (viewer, editor, admin; str), ``rows`` (str), what a viewer sees of the sources.
        """
        found = [
            {"name": m.name, "role": m.role, "rows": "; ".join(f"{c}={', '.join(v)}" for c, v in m.rows.items())}
            for m in self._store.members().values()
        ]  # fmt: skip
        return pd.DataFrame(found, columns=["name", "role", "rows"])

    def grant(
        self, name: str, role: str, *, rows: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """Name somebody in this workspace; from the first one on only who is named may read or save.

        Parameters
        ----------
        name
            As they sign in, or as ``JOURNEY_AUTHOR`` names them.
        role
            ``viewer`` reads, ``editor`` saves too, ``admin`` names others too; blank takes somebody out.
        rows
            Of a viewer: column of a source → values. Rows with other values are never read for them.

        Raises
        ------
        AccessError
            Whoever asks is no admin.
        WorkspaceError
            There is no such role or name, or no admin would be left.
        """
        if self.read_only:
            msg = "This workspace is open for reading only."
            raise WorkspaceError(msg)
        if rows:
            self._refuse_unknown(rows)
        self._store.grant(name, role, rows or {})

    def _refuse_unknown(self, rows: Mapping[str, Sequence[str]]) -> None:
        """Refuse columns and values that the log does not have: whoever is named with them would see nothing."""
        if self.folder is None or "events" not in self.sources.present():
            return
        table = self.source("events").table
        for column, values in rows.items():
            if column not in table.columns:
                msg = f"The log has no column {column!r} to choose rows by. {did_you_mean(column, table.columns)}"
                raise WorkspaceError(msg)
            there = (
                table.select(value=table[column].cast("string"))
                .distinct()
                .to_pyarrow()["value"]
                .to_pylist()
            )
            for value in values:
                if value not in there:
                    known = [v for v in there if v is not None]
                    msg = f"No row of the log has {column} {value!r}. {did_you_mean(str(value), known)}"
                    raise WorkspaceError(msg)

    def audit(self) -> pd.DataFrame:
        """Return who did what, newest first.

        Columns: ``id`` (int64), ``at_utc`` (datetime, UTC), ``who``, ``login`` (of the database; blank in a file),
        ``what`` (saved, refused, role, exported, restored), ``about`` (str), ``from_rev``, ``rev`` (int64), ``detail``.
        """
        names = ["id", "at_utc", "who", "login", "what", "about", "from_rev", "rev", "detail"]
        found = pd.DataFrame(
            [{n: getattr(e, n) for n in names} for e in reversed(self._store.events())],
            columns=names,
        )
        return found.assign(at_utc=pd.to_datetime(found["at_utc"], utc=True))

    # --- documents ----------------------------------------------------------------------------

    @property
    def journey(self) -> Journey:
        """The journey document, newest revision."""
        return self._newest(Journey)

    @property
    def to_be(self) -> ToBeJourney:
        """The journey as it shall be; the journey as it is, where none was saved."""
        if not self.rev("journey_to_be"):
            return ToBeJourney.from_body(self.journey.body())
        return self._newest(ToBeJourney)

    @property
    def roles(self) -> RoleRegister:
        """The role register, newest revision; empty if none was saved."""
        return self._newest(RoleRegister) if self.rev("roles") else RoleRegister()

    @property
    def raci(self) -> RaciMatrix:
        """The RACI matrix, newest revision; a draft of journey and roles if none was saved."""
        if self.rev("raci"):
            return self._newest(RaciMatrix)
        return RaciMatrix.draft(self.journey, self.roles)

    @property
    def cross_impact(self) -> CrossImpact:
        """The cross-impact matrix, newest revision; a draft of the journey if none was saved."""
        if self.rev("cross_impact"):
            return self._newest(CrossImpact)
        return CrossImpact.draft(self.journey)

    @property
    def futures(self) -> Futures:
        """The descriptors and their matrix, newest revision; empty if none was saved."""
        return self._newest(Futures) if self.rev("futures") else Futures()

    @property
    def scorecard(self) -> Scorecard:
        """The scorecard, newest revision; empty if none was saved."""
        return self._newest(Scorecard) if self.rev("scorecard") else Scorecard()

    @property
    def upsell(self) -> UpsellPlan:
        """The upsell plan, newest revision; empty if none was saved."""
        return self._newest(UpsellPlan) if self.rev("upsell") else UpsellPlan()

    def _newest(self, model: type[_D]) -> _D:
        """Return the newest revision of a kind of document."""
        found = self.document(model.kind)
        assert isinstance(found, model)  # noqa: S101 - KINDS says so
        return found

    def rev(self, kind: str) -> int:
        """Return the number of the newest revision of a document; 0 if it has none."""
        head = self._store.head(known(kind))
        return head.rev if head else 0

    def newest(self, kind: str) -> tuple[Document, int]:
        """Return a document as it is now, with its revision: what an edit of it starts from."""
        self.document(kind)
        rev, document = self._seen[kind]
        return document, rev

    def document(self, kind: str, rev: int | None = None) -> Document:
        """Return a document as it is now, or as it was at a revision."""
        found = self._store.head(known(kind)) if rev is None else self._store.revision(kind, rev)
        if found is None:
            newest = self.rev(kind)
            msg = (
                f"{kind} has no revision {rev}; it has {newest}."
                if newest
                else f"This workspace has no {kind} yet. Save one with ws.save(…), "
                "or start from a template: journey new DIR --template NAME."
            )
            raise WorkspaceError(msg)
        document = parse(found)
        if rev is None:
            self._seen[kind] = (found.rev, document)
        return document

    def save(
        self,
        document: Document,
        *,
        note: str = "",
        base_rev: int | None = None,
        save_id: str | None = None,
    ) -> Saved | Conflict:
        """Save a document as a new revision, merged with what others saved meanwhile.

        Parameters
        ----------
        document
            The whole document.
        note
            Why, in a few words, for the history.
        base_rev
            The revision the edit started from; by default the document that this workspace gave out or
            was given last. Name it where several edits are open at once.
        save_id
            Name of this save. Saving again under the same name returns the same revision, so a
            save whose answer was lost can be repeated.

        Returns
        -------
        Saved or Conflict
            `Conflict` when others changed the same places differently; then nothing was written.
        """
        kind = known(document.kind)
        if self.read_only:
            words = "This workspace is open for reading only. Edit it in JupyterLab."
            raise WorkspaceError(self._store.only_for_reading or words)
        if base_rev is None:
            base_rev, base = self._seen.get(kind, (0, None))
        else:
            base = self._at(kind, base_rev)
        if base is None and base_rev == 0 and kind not in self._seen:
            self._refuse_unread(document, kind)
        outcome: list[Saved | Conflict] = []

        def on_top_of(head: Revision | None) -> tuple[str, int] | None:
            outcome[:] = [decide(document, base, head)]
            kept = outcome[0]
            if isinstance(kept, Conflict) or not kept.changed:
                return None
            return canonical_json(kept.document.body()), document.version

        made = self._store.append(
            kind, on_top_of, note=note, base_rev=base_rev, save_id=save_id or uuid.uuid4().hex
        )
        if made is not None:
            merged = bool(outcome and isinstance(outcome[0], Saved) and outcome[0].merged)
            outcome = [Saved(parse(made), made.rev, merged)]
        result = outcome[0]
        if isinstance(result, Saved):
            # The caller goes on from the document it gave, which others' merged edits are not in.
            self._seen[kind] = (result.rev, document)
            if self.settings.mirror and self.folder is not None:
                self._mirror(kind, result.rev)
        return result

    def _refuse_unread(self, document: Document, kind: str) -> None:
        """Raise where a document is saved over one that was never read from here."""
        head = self._store.head(kind)
        if head is not None and parse(head).body() != document.body():
            msg = (
                f"{kind} has {head.rev} revision{'s' if head.rev > 1 else ''}, and none was read from this workspace. "
                f"Say which one the edit started from: save(…, base_rev={head.rev}), or read "
                f"ws.document({kind!r}) first."
            )
            raise WorkspaceError(msg)

    def _at(self, kind: str, rev: int) -> Document | None:
        found = self._store.revision(kind, rev) if rev else None
        return parse(found) if found else None

    def history(self, kind: str) -> pd.DataFrame:
        """Return who saved what when, newest first.

        Columns: ``rev`` (int64), ``at_utc`` (datetime, UTC), ``author``, ``note`` (str),
        ``changes`` (int64), places changed since the revision before.
        """
        revisions = self._store.history(known(kind))
        rows: list[dict[str, Any]] = []
        before: dict[str, Any] = {}
        for r in revisions:
            body = json.loads(r.body)
            rows.append(
                {
                    "rev": r.rev,
                    "at_utc": pd.Timestamp(r.at_utc),
                    "author": r.author,
                    "note": r.note,
                    "changes": len(diff(before, body)),
                }
            )
            before = body
        return pd.DataFrame(rows[::-1], columns=["rev", "at_utc", "author", "note", "changes"])

    def diff(self, kind: str, a: int, b: int) -> pd.DataFrame:
        """Return what changed from revision `a` to revision `b`, one row per place.

        Columns: ``place`` (str), ``change`` (added, removed, changed, moved), ``before``, ``after``.
        """
        before, after = self.document(kind, a).body(), self.document(kind, b).body()
        rows = [
            {"place": " › ".join(c.path), "change": c.kind, "before": c.before, "after": c.after}
            for c in diff(before, after)
        ]
        return pd.DataFrame(rows, columns=["place", "change", "before", "after"])

    def restore(self, kind: str, rev: int, *, note: str = "") -> Saved | Conflict:
        """Save an earlier revision again, as a new one; the history keeps all."""
        old, newest = self.document(kind, rev), self.rev(kind)
        return self.save(old, note=note or f"restored revision {rev}", base_rev=newest)

    def check(self, *, publishing: bool = False, today: date | None = None) -> list[Finding]:
        """Return what the rules find in all documents on a day (today), journey first."""
        today = today or datetime.now(ZoneInfo(self.settings.time_zone)).date()
        findings: list[Finding] = []
        if not self.rev("journey"):
            return findings
        seen = dict(self._seen)  # looking is not giving a document out
        journey = self.journey
        findings += check_journey(journey, today=today)
        if self.rev("raci"):
            policy = RaciPolicy(publishing=publishing, today=today)
            findings += check(self.raci, journey, self.roles, policy, self.links())
        if self.rev("cross_impact"):
            findings += check_cross_impact(
                self.cross_impact, journey, self.roles, today=today, publishing=publishing
            )
        if self.rev("scorecard"):
            findings += check_scorecard(
                self.scorecard, journey, self.roles, today=today, publishing=publishing
            )
        if self.rev("upsell"):
            card = self.scorecard
            findings += check_upsell(
                self.upsell,
                journey,
                self.raci,
                [k.measured_as for k in card.kpis()],
                publishing=publishing,
            )
        self._seen = seen
        return findings

    def linked(self, kind: str, id_: str, *, within: int | None = None) -> pd.DataFrame:
        """Return all that hangs together with one thing: from a KPI its touchpoint, its role, what influences it.

        See `journey_widgets.workspace.linked.linked` for kinds and columns.
        """
        return linked(self, kind, id_, within=within)

    def links(self) -> Links:
        """Return what the other documents say about the matrix."""
        panel = self.cross_impact if self.rev("cross_impact") else CrossImpact()
        open_ = [i for i in panel.interventions if i.status != "dropped"]
        sums = direct_influence(panel) if any(r.cells for r in panel.raters) else None
        card = self.scorecard if self.rev("scorecard") else Scorecard()
        owned = {k.id: k.owner or o.owner for o in card.objectives for k in o.kpis}
        return Links(
            kpi_owners={k: owner for k, owner in owned.items() if owner},
            upsell_moments=_moments_by_touchpoint(self.upsell),
            interventions={i.id: (i.label, i.owner) for i in open_},
            influence={}
            if sums is None
            else {
                f: float(s)
                for f, s, k in zip(sums["factor"], sums["active_sum"], sums["kind"], strict=True)
                if k == "factor"
            },
            journey_changed=self._changed("journey", _touchpoints_of),
            roles_changed=self._changed("roles", _holders_of),
        )

    def plans(self) -> list[tuple[datetime, RaciMatrix]]:
        """Return every revision of the matrix with the moment (UTC) from which it held, oldest first."""
        found = []
        for revision in self._store.history("raci"):
            document = parse(revision)
            assert isinstance(document, RaciMatrix)  # noqa: S101 - KINDS says so
            found.append((pd.Timestamp(revision.at_utc).to_pydatetime(), document))
        return found

    def _changed(self, kind: str, part: Callable[[dict[str, Any]], Any]) -> date | None:
        """Return the day on which a part of a document was changed last; None where it never was."""
        zone = ZoneInfo(self.settings.time_zone)
        changed: date | None = None
        before: Any = None
        for number, revision in enumerate(self._store.history(kind)):
            now = part(json.loads(revision.body))
            if number and now != before:
                changed = pd.Timestamp(revision.at_utc).tz_convert(zone).date()
            before = now
        return changed

    def verify(self) -> list[str]:
        """Return what is wrong with the store; normally nothing."""
        return self._store.verify()

    # --- sources ----------------------------------------------------------------------------

    @property
    def sources(self) -> Sources:
        """The mappings of ``sources.yaml``; of a viewer of some rows, those whose rows can be told apart."""
        if self.folder is None:
            return Sources()
        return self._sources_for(self.member.rows)

    def _sources_for(self, rows: Rows) -> Sources:
        if self.folder is None:
            return Sources()
        found = _sources_in(read_text(self.folder / "sources.yaml"))
        if not rows:
            return found
        has_log = self._tells("events", found, rows)
        hidden = {
            k: None for k in found.present() if not self._tells(k, found, rows, has_log=has_log)
        }
        return found.model_copy(update=hidden)

    @staticmethod
    def _tells(kind: str, sources: Sources, rows: Rows, *, has_log: bool = False) -> bool:
        mapping, log = sources.mapping(kind), sources.mapping("events")
        if mapping is None:
            return False
        beside = has_log and log is not None and log.backend == mapping.backend
        return can_be_told_apart(kind, mapping, rows, has_log=beside)

    def source(self, kind: str) -> Source:
        """Read one source; the table is kept in the workspace's cache until file or mapping change.

        For a viewer of some rows it holds those rows and no others.
        """
        rows = self.member.rows
        sources = self._sources_for(rows)
        mapping = sources.mapping(kind) if kind in Sources.model_fields else None
        if mapping is None or not mapping.is_named or self.folder is None:
            if rows and kind in self._sources_for({}).present():
                msg = f"You may see some rows only, and {kind} does not say whose they are: it is not shown to you."
                raise WorkspaceError(msg)
            known = sources.present()
            msg = f"This workspace has no {kind}. {did_you_mean(kind, known)} Name its file in sources.yaml."
            raise WorkspaceError(msg)
        filled, cache = self._with_defaults(mapping), self.folder / ".cache" / "sources"
        says = set(rows) <= {*mapping.keep, *mapping.columns}
        has_log = not says and kind != "events" and "events" in sources.present()
        log = self.source("events") if has_log else None
        if mapping.file is None:
            return read_there(kind, filled, only=rows or None, log=log)
        found = read(kind, self.folder / mapping.file, filled, cache=cache, within=self.folder)
        return only_rows(found, rows, log, cache) if rows else found

    def _with_defaults(self, mapping: SourceMapping) -> SourceMapping:
        missing = {
            name: getattr(self.settings, name)
            for name in ("currency",)
            if getattr(mapping, name) is None
        }
        return mapping.model_copy(update=missing)

    def events(self) -> Source:
        """Read the event log."""
        return self.source("events")

    def order_lines(self) -> Source:
        """Read the order lines."""
        return self.source("order_lines")

    def tickets(self) -> Source:
        """Read the support cases."""
        return self.source("tickets")

    def answers(self) -> Source:
        """Read the survey answers."""
        return self.source("answers")

    def invitations(self) -> Source:
        """Read the invitations to the survey."""
        return self.source("invitations")

    def behaviour(self) -> Source:
        """Read the totals of what was done at touchpoints."""
        return self.source("behaviour")

    def trials(self) -> Source:
        """Read the trial."""
        return self.source("trials")

    def figures(self) -> Source:
        """Read the figures of KPIs that come from elsewhere."""
        return self.source("figures")

    def usage(self) -> Source:
        """Read how customers use the product."""
        return self.source("usage")

    def contacts(self) -> Source:
        """Read the contacts of earlier upsell plans."""
        return self.source("contacts")

    def scores(self) -> Source:
        """Read the scores that another tool made of customers."""
        return self.source("scores")

    # --- measured values --------------------------------------------------------------------

    def kept_values(self, period: str) -> pd.DataFrame | None:
        """Return the values of closed periods that were kept (see `scorecard.restating`); None where there are none."""
        file = self._measured(period)
        if file is None or self.member.rows or not file.is_file():
            return None
        try:
            return pd.read_parquet(file)
        except (OSError, ValueError):  # torn or foreign: they are measured anew
            return None

    def keep_values(self, period: str, values: pd.DataFrame) -> None:
        """Keep the values of closed periods, so that late data show; a workspace for reading keeps nothing."""
        file = self._measured(period)
        if file is None or self.read_only or self.member.role == "viewer":
            return
        file.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=file.parent, prefix=".keeping-") as scratch:
            part = Path(scratch) / file.name
            values.to_parquet(part, index=False)
            part.replace(file)

    def _measured(self, period: str) -> Path | None:
        return (
            None
            if self.folder is None
            else self.folder / "measured" / f"{file_name(period)}.parquet"
        )

    # --- text -------------------------------------------------------------------------------

    def export_texts(self, folder: str | Path | None = None) -> list[Path]:
        """Write the canonical text of every document into `folder`, ``documents/`` by default.

        A file that was edited by hand and not imported yet is never written over.
        """
        target = self._text_folder(folder)
        target.mkdir(parents=True, exist_ok=True)
        agreed = agreed_with(target)
        edited = [
            TEXT_FILES[k] for k in TEXT_FILES if self.rev(k) and was_edited(target, k, agreed)
        ]
        if edited:
            msg = (
                f"{target / edited[0]} was edited since it was written here. Import it first "
                "(journey import), or export into another folder."
            )
            raise WorkspaceError(msg)
        kinds = [k for k in TEXT_FILES if self.rev(k)]
        if not self.read_only:
            self._store.note(EXPORTED, "documents", ", ".join(kinds))
        return [self._write_text(target, kind, self.rev(kind)) for kind in kinds]

    def _mirror(self, kind: str, rev: int) -> None:
        """Write one document's text after a save; a hand edit that waits for its import stays."""
        target = self._text_folder(None)
        target.mkdir(parents=True, exist_ok=True)
        if not was_edited(target, kind, agreed_with(target)):
            self._write_text(target, kind, rev)

    def _write_text(self, target: Path, kind: str, rev: int) -> Path:
        document = self._at(kind, rev)
        assert document is not None  # noqa: S101 - the caller asked for its revision
        path = target / TEXT_FILES[kind]
        write_text(path, document.to_text())
        note_agreed(target, {kind: content_hash(document)})
        return path

    def import_texts(
        self, folder: str | Path | None = None, *, note: str = "imported"
    ) -> dict[str, Saved | Conflict]:
        """Save the documents whose text lies in `folder`: all of them are read before any is saved.

        Text that was exported and edited since is merged with what was saved meanwhile.
        """
        target = self._text_folder(folder)
        if not target.is_dir():
            msg = f"There is no folder {target} to import from. Export first with journey export."
            raise WorkspaceError(msg)
        documents = [
            KINDS[kind].from_text(read_text(target / name), where=name)
            for kind, name in TEXT_FILES.items()
            if (target / name).is_file()
        ]
        if not documents:
            msg = f"{target} holds none of {', '.join(TEXT_FILES.values())}."
            raise WorkspaceError(msg)
        for document in documents:
            refuse_unreadable(document)
        agreed = agreed_with(target)
        results: dict[str, Saved | Conflict] = {}
        for document in documents:
            base = self._revision_of(document.kind, agreed.get(document.kind))
            results[document.kind] = self.save(document, note=note, base_rev=base)
            if isinstance(results[document.kind], Saved):
                note_agreed(target, {document.kind: content_hash(document)})
        return results

    def _revision_of(self, kind: str, digest: str | None) -> int:
        """Return the newest revision with this content; without one, the newest of all."""
        for revision in reversed(self._store.history(kind)):
            if hashlib.sha256(revision.body.encode()).hexdigest() == digest:
                return revision.rev
        return self.rev(kind)

    def _text_folder(self, folder: str | Path | None) -> Path:
        if folder is not None:
            return Path(folder)
        if self.folder is None:
            msg = "A workspace opened by URL has no folder. Name one."
            raise WorkspaceError(msg)
        return self.folder / "documents"

    def __repr__(self) -> str:
        return f"<Workspace {self.settings.name!r}>"


def store_of(place: str | Path) -> Store:
    """Return the store of a workspace by its folder or address; a database is neither filled nor upgraded."""
    if "://" in str(place):
        return _store_at(str(place))
    folder = Path(place)
    if not (folder / "workspace.yaml").is_file():
        msg = f"{folder} is no workspace: it has no workspace.yaml. Make one with journey new {folder}."
        raise WorkspaceError(msg)
    settings = Settings.from_text(read_text(folder / "workspace.yaml"), where="workspace.yaml")
    if settings.store:
        return Store(settings.store, who=author())
    return Store.in_file(folder / STORE, who=author())


def _store_at(address: str, *, read_only: bool = False) -> Store:
    """Return the store at an address; a file's is made and looked after as in a folder."""
    file = address.removeprefix("sqlite:///")
    if file != address and file and "?" not in file:
        if read_only and not Path(file).is_file():
            msg = f"There is no file {file}."
            raise WorkspaceError(msg)
        return Store.in_file(Path(file), who=author(), read_only=read_only)
    return Store(address, who=author())


def _moments_by_touchpoint(plan: UpsellPlan) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for m in plan.moments:
        found[m.touchpoint] = (*found.get(m.touchpoint, ()), m.label)
    return found


def _touchpoints_of(journey: dict[str, Any]) -> Any:
    """Return what of a journey a matrix is about."""
    stages = [(s["id"], s["label"]) for s in journey.get("stages", ())]
    return stages, [(t["id"], t["label"], t["stage"]) for t in journey.get("touchpoints", ())]


def _holders_of(register: dict[str, Any]) -> Any:
    """Return what of a role register a matrix is about."""
    names = ("id", "label", "kind", "holders", "active", "reports_to")
    return [{n: r.get(n) for n in names} for r in register.get("roles", ())]


def author() -> str:
    """Return who reads and saves in this process: ``JOURNEY_AUTHOR``, or the name of the login."""
    try:
        return os.environ.get("JOURNEY_AUTHOR") or getpass.getuser()
    except (OSError, KeyError):
        return "unknown"
