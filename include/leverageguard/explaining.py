"""What an operator is told of a command that failed; a fault of ours keeps its traceback."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from leverageguard import config
from leverageguard.config import ConfigError
from leverageguard.evidence.command import NothingToVerifyError
from leverageguard.settlement.errors import SettlementError
from leverageguard.simulator.fields import ScenarioError
from leverageguard.stack.progress import StackError
from leverageguard.store import revision

# Their message is meant for the operator.
EXPLAINED = (
    ConfigError, SettlementError, ScenarioError, StackError, NothingToVerifyError, OSError,
    ValueError,
)  # fmt: skip


def told(error: Exception) -> str | None:
    """One line, or None for an error that nobody foresaw."""
    if isinstance(error, EXPLAINED):
        return str(error)
    # A table or a column that is not there: of another release's store.
    return revision.behind(config.load()) if isinstance(error, DBAPIError) else None
