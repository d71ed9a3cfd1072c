"""The ``journey`` commands of the store: backup, restore, upgrade, members and audit."""

import argparse
import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from journey_widgets.errors import ParameterError

if TYPE_CHECKING:
    from journey_widgets.workspace.store import Store

Act = Callable[[argparse.Namespace], int]
Add = Callable[[str, Act, str], argparse.ArgumentParser]
DONE = 0


def add_commands(add: Add) -> None:
    """Add the commands to the others."""
    backup = add("backup", _backup, "copy all documents with their history into one file")
    backup.add_argument("out", type=Path, metavar="FILE", help="a new file, such as monday.sqlite")
    restore = add("restore", _restore, "fill a store from a backup; also a file's into a database")
    restore.add_argument("backup", type=Path, metavar="FILE")
    restore.add_argument(
        "--replace",
        action="store_true",
        help="set the store in the folder aside first, under another name",
    )
    upgrade = add("upgrade", _upgrade, "bring a store to the version of this package")
    member = add("member", _member, "say who may read and save; without a name: list them")
    member.add_argument("name", nargs="?", default="")
    member.add_argument("--role", choices=["viewer", "editor", "admin"])
    member.add_argument("--remove", action="store_true", help="take them out")
    member.add_argument(
        "--rows", action="append", default=[], metavar="COLUMN=VALUE",
        help="of a viewer: the only rows they see; give it again for more values or columns",
    )  # fmt: skip
    audit = add("audit", _audit, "list who did what, the newest last")
    audit.add_argument(
        "--json", action="store_true", help="one JSON object a line, with the hashes"
    )
    for command in (backup, restore, upgrade, member, audit):
        command.add_argument(
            "--workspace", "-w", default=".", metavar="DIR",
            help="folder of the workspace or address of its database (default: the current folder)",
        )  # fmt: skip


def _backup(options: argparse.Namespace) -> int:
    from journey_widgets.workspace.backup import back_up

    with _store(options.workspace) as store:
        many = back_up(store, options.out)
    print(f"{options.out}: {many} revisions, and it is whole.")
    return DONE


def _restore(options: argparse.Namespace) -> int:
    from journey_widgets.workspace.backup import replace, restore
    from journey_widgets.workspace.workspace import STORE, author

    file = Path(options.workspace) / STORE
    if options.replace and file.exists():
        many, aside = replace(file, options.backup, author())
        print(f"The store that was there is {aside.name} now.")
    else:
        with _store(options.workspace) as store:
            many = restore(store, options.backup)
    print(f"{many} revisions are restored.")
    return DONE


def _upgrade(options: argparse.Namespace) -> int:
    from journey_widgets.workspace.schema import VERSION

    with _store(options.workspace) as store:
        before = store.version()
        store.prepare(upgrade=True)
    print(f"The store is of version {VERSION}; it was of version {before or 'none'}.")
    return DONE


def _member(options: argparse.Namespace) -> int:
    from journey_widgets.workspace import Workspace

    workspace = Workspace.open(options.workspace)
    with contextlib.closing(workspace):
        if options.name:
            if bool(options.role) == options.remove:
                msg = "Say either --role viewer, editor or admin, or --remove."
                raise ParameterError(msg)
            workspace.grant(options.name, options.role or "", rows=_rows(options.rows))
        found = workspace.members()
    for name, role, rows in found.itertuples(index=False):
        print(f"{role:<7} {name}{f'   only {rows}' if rows else ''}")
    if found.empty:
        print("Nobody is named: whoever reaches this workspace may do everything in it.")
    return DONE


def _rows(texts: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for text in texts:
        column, is_there, value = text.partition("=")
        if not (is_there and column):
            msg = f"--rows {text!r}: column=value was needed, such as region=north."
            raise ParameterError(msg)
        found.setdefault(column, []).append(value)
    return found


def _audit(options: argparse.Namespace) -> int:
    with _store(options.workspace) as store:
        events = store.events()
    for event in events:
        if options.json:
            print(json.dumps(vars(event), ensure_ascii=False))
            continue
        moved = f" {event.from_rev} → {event.rev}" if event.rev else ""
        said = f": {event.detail}" if event.what in ("refused", "role") else ""
        who = f"{event.who} ({event.login})" if event.login else event.who
        print(f"{event.at_utc[:19]}  {who}  {event.what} {event.about}{moved}{said}")
    return DONE


@contextlib.contextmanager
def _store(place: str) -> "Iterator[Store]":
    from journey_widgets.workspace.workspace import store_of

    with contextlib.closing(store_of(place)) as store:
        yield store
