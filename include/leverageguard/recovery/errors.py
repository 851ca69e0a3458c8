"""What can stand against a backup or its way back."""

from __future__ import annotations

from leverageguard.stack.progress import StackError


class RecoveryError(StackError):
    """Nothing was changed; the message names the file or setting and the fix."""
