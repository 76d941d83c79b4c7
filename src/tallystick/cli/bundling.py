"""The bundle of a statement, from an opened project: made once, kept when the statement is issued."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tallystick.cli.project import Project
from tallystick.errors import ConfigurationError, StorageError
from tallystick.ledger import load_key
from tallystick.ledger.private_file import create_private
from tallystick.period import Period, parse_period
from tallystick.statements import Statement
from tallystick.statements.bundling import Bundling, decide_current, write_bundle
from tallystick.statements.commitments import Commitments, load_secret
from tallystick.statements.issuing import StatementBook
from tallystick.verification.acts import refuse_the_past
from tallystick.verification.agreements import read_agreement
from tallystick.verification.recorder import open_turn

__all__ = ["BundleWish", "bundle_statement", "kept_bundle"]


@dataclass(frozen=True)
class BundleWish:
    """Which bundle somebody wants: the file, keys that sign it, claims that are opened in a private one."""

    path: Path
    sign: tuple[Path, ...] = ()
    opened: tuple[str, ...] = ()
    private: bool = False
    issue: bool = False


def bundle_statement(project: Project, name: str, text: str, now: int, wish: BundleWish) -> Statement:
    """Give a statement after writing its bundle; what was issued with one gives that very file again.

    Raises:
        ConfigurationError: The verdicts are not current, or `now` lies before the newest entry; the file exists with
            other bytes; the statement may not be issued, or was issued before later verdicts and without a bundle.
        StorageError: The file cannot be written.
    """
    agreed = project.contract(name)
    period = parse_period(text, agreed.timezone)
    book = StatementBook(project.engine, project.log, agreed)
    kept = kept_bundle(project, name, period)
    if kept.exists() and not wish.private and not wish.issue:
        if wish.sign:
            raise ConfigurationError(
                f"the bundle of {name} for {period.label} was made when it was issued, and never changes",
                hint="Add a signature to a copy of it with `tallystick countersign`.",
            )
        prepared = book.prepare(period, now=now)
        _copy(kept, wish.path)
        return prepared
    if wish.issue and wish.path.exists():
        # What is issued stays issued, so nothing that can be known before may come to light afterwards.
        raise _exists(wish.path)
    # A statement of an instant before the newest entry would differ from what the ledger in the bundle says.
    refuse_the_past(project.log, now)
    signers = [project.signer, *map(load_key, wish.sign)]
    made = Bundling(project.engine, project.log, project.keychain, signers, _commitments(project, wish))
    agreement = read_agreement(project.engine, project.log, agreed, upto=project.log.size)
    with open_turn(project.engine, project.store, project.log, agreement, now=now) as turn:
        if unknown := sorted(set(wish.opened) - {claim.claim_id for claim in turn.claims}):
            raise ConfigurationError(
                f"there is no claim {unknown[0]!r} under {name} to open", hint="Check the id: `tallystick explain`."
            )
        verdicts = decide_current(turn)
        prepared = book.prepare(period, now=now)
        if wish.issue:
            prepared = book.issue(project.signer, period, now=now)
            kept.parent.mkdir(mode=0o700, exist_ok=True)
        path = kept if wish.issue and not wish.private else wish.path
        write_bundle(path, made, turn, prepared, verdicts)
    if path != wish.path:
        _copy(path, wish.path)
    return prepared


def kept_bundle(project: Project, name: str, period: Period) -> Path:
    """Give where the bundle of an issued statement is kept."""
    return project.folder / "bundles" / f"{name}-{period.label}.bundle"


def _commitments(project: Project, wish: BundleWish) -> Commitments | None:
    if not wish.private:
        return None
    return Commitments(load_secret(project.folder / "commitments.key"), frozenset(wish.opened))


def _exists(path: Path) -> ConfigurationError:
    return ConfigurationError(
        f"{path} exists and holds something else; it is not written over",
        hint="It may bear a signature that cannot be made again. Move it away, or choose another name.",
    )


def _copy(kept: Path, path: Path) -> None:
    """Write the bytes of a kept bundle under another name, unless another file has it."""
    data = kept.read_bytes()
    try:
        if path.exists() and path.read_bytes() == data:
            return
        create_private(path, data)
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        raise StorageError(f"{path}: the bundle cannot be written: {error.strerror}") from error
