"""`./leverageguard verify`: find what is to be checked, check it, and say the result by lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from leverageguard.config import Settings
from leverageguard.evidence import inclusion, legacy, verdicts, verify
from leverageguard.evidence.report import Line, is_wrong
from leverageguard.store import base
from leverageguard.store.settlement_tables import PayoutRecord
from leverageguard.warehouse import packages


class NothingToVerifyError(Exception):
    """No package is found; the message says where it was looked for."""


@dataclass(frozen=True)
class Checked:
    """One package and what its check found."""

    name: str
    lines: list[Line]

    @property
    def is_wrong(self) -> bool:
        """Whether any line is WRONG."""
        return is_wrong(self.lines)


def run(
    settings: Settings, target: str | None, every: bool, rpc: str | None, is_offline: bool
) -> Iterator[Checked]:
    """Check one claim, one folder, or every claim with a package, one after the other.

    Raises NothingToVerifyError when there is nothing of that name.
    """
    for name, folder in _folders(settings, target, every):
        if legacy.is_legacy(folder):
            yield Checked(name, legacy.lines(folder))
        else:
            yield Checked(name, verify.package(settings, folder, rpc, is_offline))


def text(checked: Checked, is_short: bool) -> str:
    """The printed result: every line, or in short one line unless something is wrong."""
    wrong = sum(1 for line in checked.lines if line.result == "WRONG")
    verdict = next((line.seen for line in checked.lines if line.what == "verdict"), "")
    total = f"{wrong} WRONG of {len(checked.lines)}" if wrong else f"{len(checked.lines)} checked"
    summary = f"{'WRONG' if wrong else 'ok':<5}  {checked.name}  {total}  {verdict}".rstrip()
    shown = [line for line in checked.lines if not is_short or line.result == "WRONG"]
    return "\n".join([*(line.text() for line in shown), summary])


def _folders(settings: Settings, target: str | None, every: bool) -> list[tuple[str, Path]]:
    if every:
        return _all(settings)
    if target is None:
        raise NothingToVerifyError("name a claim id or a package folder, or say --all")
    folder = Path(target)
    if folder.is_dir():
        return [(folder.resolve().name, folder)]
    root = _root_of(settings, target)
    if root is None:
        raise NothingToVerifyError(
            f"{target!r} is no folder, and no evidence of such a claim is sealed in "
            f"{packages.evidence_dir(settings)}"
        )
    return [(target, packages.folder_of(settings, root))]


def _root_of(settings: Settings, claim_id: str) -> str | None:
    """What a claim was planned on, else its newest verdict's package."""
    proof = packages.evidence_dir(settings) / "proofs" / f"{claim_id}.json"
    if proof.is_file():
        root = inclusion.Included.read(proof).document.get("evidence_root")
        if root is not None:
            return root
    if not settings.has_store:
        return None
    with base.session(settings) as session:
        last = verdicts.latest(session, [claim_id]).get(claim_id)
        return None if last is None else last.evidence_root


def _all(settings: Settings) -> list[tuple[str, Path]]:
    """Every claim's newest package, and what was planned where that is another one."""
    if not settings.has_store:
        raise NothingToVerifyError(f"there is no store at {settings.store_path}")
    with base.session(settings) as session:
        latest = verdicts.latest(session)
        found = select(PayoutRecord.claim_id, PayoutRecord.evidence_root)
        planned = {row.claim_id: row.evidence_root for row in session.execute(found)}
    roots = {(claim_id, row.evidence_root) for claim_id, row in latest.items()}
    roots |= set(planned.items())
    return [
        (claim_id, packages.folder_of(settings, root))
        for claim_id, root in sorted((claim_id, root or "") for claim_id, root in roots)
        if root
    ]
