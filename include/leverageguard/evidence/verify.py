"""Check one evidence package from its documents alone: no store, no warehouse, no running stack.

Nothing a package says is believed. Its documents must have the root it is named by, its rows must
stand in the venue's own replies, its policy must be the one that was bought, its signatures the
holder's, and the pipeline's models, run over it, must give the verdict and the amount it states.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from leverageguard.config import Settings
from leverageguard.domain.evidence import EvidenceError
from leverageguard.evidence import inclusion, onchain, recompute, reparse, sealing, shape, terms
from leverageguard.evidence.report import Line, judged, ok, wrong
from leverageguard.evidence.shape import MisshapenError
from leverageguard.warehouse import model_runner, packages
from leverageguard.warehouse.dbt_runner import DbtFailed
from leverageguard.warehouse.packages import PackageError

Documents = Mapping[str, bytes]
SHOWN = 3


def package(settings: Settings, folder: Path, rpc: str | None, is_offline: bool) -> list[Line]:
    """Every line of one package's check, in the order things rest on each other."""
    try:
        documents = packages.documents_in(folder)
    except PackageError as error:
        return [wrong("documents", str(error))]
    lines = _document_lines(folder, documents)
    checks: dict[str, Callable[[], list[Line]]] = {
        "replies": lambda: _reply_lines(documents),
        "rows": lambda: _row_lines(documents),
        "policy": lambda: terms.lines(settings, documents),
    }
    for what, check in checks.items():
        lines += _guarded(what, check)
    lines += _decision_lines(settings, documents)
    lines += _inclusion_lines(settings, folder, documents, rpc, is_offline)
    return lines


def _guarded(what: str, check: Callable[[], list[Line]]) -> list[Line]:
    """The lines of a check; a package so misshapen that it cannot be read is wrong, not a crash."""
    try:
        return check()
    except MisshapenError as error:
        return [wrong(what, str(error))]
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        return [wrong(what, f"the documents cannot be read: {error!r}")]


def _document_lines(folder: Path, documents: Documents) -> list[Line]:
    """Each document against the manifest, and the root against the folder's name."""
    lines = []
    listed = _manifest(folder)
    for name in sorted(set(listed) | set(documents)):
        found = documents.get(name)
        if found is None:
            lines.append(wrong(f"document {name}", "is listed in the manifest and missing"))
        elif name not in listed:
            lines.append(wrong(f"document {name}", "is not listed in the manifest"))
        elif sha256(found).hexdigest() != listed[name]:
            lines.append(wrong(f"document {name}", "was changed: another SHA-256 than listed"))
    if not lines:
        lines.append(ok("documents", f"{len(documents)} as listed in {packages.MANIFEST}"))
    try:
        root = packages.root_of(documents)
    except EvidenceError as error:
        return [*lines, wrong("root", str(error))]
    stated = {_root_in_manifest(folder), "0x" + folder.resolve().name}
    named = {each for each in stated if len(each) == 66}
    seen = f"{root}"
    return [*lines, judged("root", named == {root}, seen, f"{seen}, not {' or '.join(named)}")]


def _manifest(folder: Path) -> dict[str, str]:
    try:
        listed = json.loads((folder / packages.MANIFEST).read_bytes())["documents"]
        return {each["name"]: each["sha256"] for each in listed}
    except (ValueError, LookupError, TypeError):
        return {}


def _root_in_manifest(folder: Path) -> str:
    try:
        return str(json.loads((folder / packages.MANIFEST).read_bytes())["root"])
    except (ValueError, LookupError, TypeError):
        return "0x" + "?" * 64


def _reply_lines(documents: Documents) -> list[Line]:
    """Replies are what their names say, and each is named by a row."""
    replies = shape.replies(documents)
    strange = sorted(
        name
        for name in documents
        if name not in shape.DOCUMENTS and not name.startswith(shape.REPLIES)
    )
    lines = [wrong(f"document {name}", "belongs to no part of a package") for name in strange]
    bad = reparse.misnamed(replies)
    lines += [wrong(f"reply {name}", "the body has another SHA-256") for name in bad]
    unused = reparse.unused(replies, shape.raw_rows(documents))
    lines += [wrong(f"reply {name}", "no row names it") for name in unused]
    return lines or [ok("replies", f"{len(replies)} bodies have the SHA-256 they are named by")]


def _row_lines(documents: Documents) -> list[Line]:
    """Every row of the venue's is parsed again from the reply it names."""
    rows, claim = shape.raw_rows(documents), shape.decoded(documents, shape.CLAIM)
    uid = str(rows["intake/accounts"][0]["uid"])
    configs = rows["exchanges/account_configs"]
    tracer = reparse.Tracer(shape.replies(documents), claim["account_id"], uid, configs)
    lines = []
    for table in reparse.TRACED:
        untraced = []
        for row in rows[table]:
            try:
                tracer.trace(table, row)
            except reparse.UntracedError as error:
                untraced.append(str(error))
        what = f"rows {table.removeprefix('exchanges/')}"
        seen = f"{len(rows[table])} as the venue's replies hold them"
        lines.append(judged(what, not untraced, seen, "; ".join(untraced[:SHOWN])))
    return lines


def _decision_lines(settings: Settings, documents: Documents) -> list[Line]:
    """Every check, the verdict and the amount, decided again over the package."""
    try:
        stated = packages.verdict_of(documents)
        policy = shape.decoded(documents, shape.POLICY)
        rules = str(policy["rules_version"])
        if not recompute.thresholds(settings, rules):
            return [wrong("verdict", f"this release knows no rules {rules!r}")]
        models = model_runner.compiled(settings, sealing.variables(settings, rules))
        found = recompute.outcome(models, documents)
    except (PackageError, MisshapenError, recompute.NotRecomputableError, DbtFailed) as error:
        return [wrong("verdict", str(error))]
    except (LookupError, TypeError) as error:
        return [wrong("verdict", f"the documents cannot be read: {error!r}")]
    claim_id = shape.decoded(documents, shape.CLAIM)["claim_id"]
    again = found.as_json(claim_id)
    lines = _check_lines(stated, found.checks)
    lines += [
        _compared("verdict", stated, again, ("verdict", "reasons", "hold_reasons")),
        _compared("amount", stated, again, ("formula_micro_usdc", "approved_micro_usdc")),
    ]
    if set(stated) != set(again) or stated["claim_id"] != claim_id:
        lines.append(wrong("verdict", f"verdict.json is not that of claim {claim_id}"))
    return lines


def _check_lines(stated: Mapping[str, Any], found: list[dict[str, Any]]) -> list[Line]:
    listed = stated.get("checks")
    by_code = {
        str(check.get("check_code")): check
        for check in (listed if isinstance(listed, list) else [])
        if isinstance(check, dict)
    }
    lines = []
    for check in found:
        code = check["check_code"]
        said = by_code.pop(code, None)
        result = check["result"] + (" (hold)" if check.get("is_hold") else "")
        seen = f"{result}: {check['observed']}"
        otherwise = f"the package says {said}, its evidence says {check}"
        lines.append(judged(f"check {code}", said == check, seen, otherwise))
    lines += [wrong(f"check {code}", "no rule of that name") for code in by_code]
    if isinstance(listed, list) and len(listed) != len(found):
        lines.append(wrong("checks", f"{len(listed)} are listed, there are {len(found)}"))
    return lines


def _compared(
    what: str, stated: Mapping[str, Any], found: Mapping[str, Any], names: tuple[str, ...]
) -> Line:
    seen = ", ".join(f"{found[name]}" for name in names if found[name] not in (None, ""))
    if what == "amount":
        seen = f"formula {found[names[0]]}, due {found[names[1]]} micro-USDC"
    said = ", ".join(f"{name} {stated.get(name)}" for name in names)
    is_same = all(name in stated and stated[name] == found[name] for name in names)
    return judged(what, is_same, seen, f"{seen}; the package says {said}")


def _inclusion_lines(
    settings: Settings, folder: Path, documents: Documents, rpc: str | None, is_offline: bool
) -> list[Line]:
    try:
        claim = shape.decoded(documents, shape.CLAIM)
        amount = packages.verdict_of(documents).get("approved_micro_usdc")
        holder = terms.holder(documents)
        root = packages.root_of(documents)
        lines, stated = inclusion.lines(folder, root, claim, holder, amount)
    except (MisshapenError, PackageError, LookupError, TypeError, AttributeError) as error:
        return [wrong(inclusion.WHAT, f"the documents cannot be read: {error}")]
    if stated is not None and not is_offline:
        named = stated
        lines += _guarded(onchain.ROOT, lambda: onchain.lines(settings, named, rpc))
    return lines
