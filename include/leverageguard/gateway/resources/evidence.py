"""Evidence: packages and proofs for a claim's holder, and their check for everybody."""

from __future__ import annotations

import json
import threading
from pathlib import Path as Folder
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from pydantic import ValidationError

from leverageguard.config import Settings
from leverageguard.gateway import claim_views
from leverageguard.gateway.callers import Caller, Role, allowed
from leverageguard.gateway.host import SettingsDep
from leverageguard.gateway.models.common import ClaimId
from leverageguard.gateway.models.evidence import ClaimNamed, LineShown, Proof, Verified
from leverageguard.gateway.problems import Problem, documented
from leverageguard.store import base
from leverageguard.warehouse import packages
from leverageguard.warehouse.packages import PackageError

router = APIRouter(tags=["evidence"])
ZIP, JSON = "application/zip", "application/json"
ZIP_SCHEMA = {"type": "string", "format": "binary"}
LOST_RETRY_S, BUSY_RETRY_S, PATIENCE_S = 60, 3, 20
# One check needs a processor for a second or more: they take turns.
_checking = threading.BoundedSemaphore(1)
ReaderDep = Annotated[Caller, allowed(*Role, scope="evidence:read")]
EitherId = Annotated[ClaimId, Path()]


@router.get(
    "/claims/{claim_id}/evidence",
    response_class=Response,
    responses={
        200: {"description": "The sealed package", "content": {ZIP: {"schema": ZIP_SCHEMA}}}
    },
)
def download(claim_id: EitherId, caller: ReaderDep, settings: SettingsDep) -> Response:
    """The package a claim was decided on, as a zip that `POST /proofs/verify` takes."""
    from leverageguard.evidence import packing

    name, root = _sealed(settings, caller, claim_id)
    try:
        content = packing.pack(settings, root, name)
    except (PackageError, OSError):
        raise _lost() from None
    headers = {"Content-Disposition": f'attachment; filename="{name}.zip"', "ETag": f'"{root}"'}
    return Response(content, media_type=ZIP, headers=headers)


@router.get("/claims/{claim_id}/proof")
def proof(claim_id: EitherId, caller: ReaderDep, settings: SettingsDep) -> Proof:
    """The way from a claim's document to the root that the chain keeps of its batch."""
    name, root = _sealed(settings, caller, claim_id)
    from leverageguard.evidence import inclusion

    path = inclusion.proof_beside(packages.folder_of(settings, root), name)
    if path is None:
        raise Problem(404, "IN_NO_BATCH", "the claim is in no batch yet")
    try:
        return Proof.model_validate(json.loads(path.read_bytes()))
    except (OSError, ValueError):
        raise _lost() from None


async def _body(request: Request) -> tuple[str, bytes]:
    """The body as it came, and of which kind it is."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in (ZIP, JSON):
        raise Problem(415, "KIND_UNKNOWN", f"send a package as {ZIP}, or a claim's id as {JSON}")
    return kind, await request.body()


@router.post(
    "/proofs/verify",
    responses=documented(415),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                ZIP: {"schema": ZIP_SCHEMA},
                JSON: {"schema": ClaimNamed.model_json_schema()},
            },
        }
    },
)
def verify(settings: SettingsDep, given: Annotated[tuple[str, bytes], Depends(_body)]) -> Verified:
    """Check a package, or a claim's: documents, replies, verdict, amount, batch and chain.

    Open to everybody: of a claim that is only named the results are told and not what was seen.
    """
    kind, content = given
    if kind == JSON:
        name = _named(content)
        with base.session(settings) as session:
            root = claim_views.root_of(settings, session, name)
        if root is None:
            raise Problem(404, "NOT_FOUND", "no evidence of such a claim is sealed")
        return _checked(settings, name, packages.folder_of(settings, root), is_told=False)
    from leverageguard.evidence import packing

    with TemporaryDirectory(prefix="leverageguard-proof-") as folder:
        try:
            packing.unpack(content, Folder(folder))
            packages.documents_in(Folder(folder))
        except PackageError as error:
            told = str(error).replace(folder, "the zip")
            raise Problem(422, "NO_PACKAGE", told, field="body") from None
        return _checked(settings, "package", Folder(folder), is_told=True)


def _named(content: bytes) -> str:
    try:
        return ClaimNamed.model_validate_json(content).claim_id
    except ValidationError:
        raise Problem(
            422, "INVALID", 'the body names a claim: {"claim_id": ...}', field="body.claim_id"
        ) from None


def _checked(settings: Settings, name: str, folder: Folder, is_told: bool) -> Verified:
    from leverageguard.evidence import report, verify

    _require_models(settings, folder)
    if not _checking.acquire(timeout=PATIENCE_S):
        raise Problem(503, "VERIFIER_BUSY", "others are checked now", retry_after_s=BUSY_RETRY_S)
    try:
        lines = verify.package(settings, folder, None, False)
    except RecursionError:
        raise Problem(422, "NO_PACKAGE", "its documents are nested too deeply") from None
    finally:
        _checking.release()
    wrong = sum(1 for line in lines if line.result == report.WRONG)
    return Verified(
        name=name,
        is_right=not report.is_wrong(lines),
        wrong=wrong,
        lines=[
            LineShown(what=line.what, result=line.result, seen=line.seen if is_told else "")  # type: ignore[arg-type]
            for line in lines
        ],
    )


def _require_models(settings: Settings, folder: Folder) -> None:
    """dbt compiles for many seconds and takes this process's variables: not while serving."""
    from leverageguard.evidence import recompute, sealing, shape
    from leverageguard.warehouse import model_runner

    rules = _rules(folder / shape.POLICY)
    if rules is None or not recompute.thresholds(settings, rules):
        return
    if not model_runner.is_compiled(settings, sealing.variables(settings, rules)):
        raise Problem(
            503, "VERIFIER_NOT_READY",
            "the models of these rules are not compiled here: ./leverageguard verify does it",
            retry_after_s=LOST_RETRY_S,
        )  # fmt: skip


def _rules(path: Folder) -> str | None:
    try:
        found: Any = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    rules = found.get("rules_version") if isinstance(found, dict) else None
    return rules if isinstance(rules, str) else None


def _sealed(settings: Settings, caller: Caller, either_id: str) -> tuple[str, str]:
    """Claim id and root of a claim's package; Problem 404 before it was sealed."""
    with base.session(settings) as session:
        found = claim_views.find(settings, session, caller, either_id)
        root = claim_views.root_of(settings, session, found.claim_id) if found.claim_id else None
    if found.claim_id is None or root is None:
        raise Problem(404, "NOT_SEALED", "its evidence is not complete yet")
    return found.claim_id, root


def _lost() -> Problem:
    told = "the package is gone or was changed: the next build of claims seals it again"
    return Problem(503, "EVIDENCE_LOST", told, retry_after_s=LOST_RETRY_S)
