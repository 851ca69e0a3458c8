"""The command line: every command and its options, once, for the launcher and the package.

Standard library only, and for old Pythons too: the launcher reads it before anything is installed.
"""

from __future__ import annotations

import argparse
from typing import Any

from leverageguard.cli_options import accounting, claiming, running


def add_commands(made: argparse.ArgumentParser) -> Any:
    """Give a parser every command of the package; what takes further ones."""
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in (*running.COMMANDS, *claiming.COMMANDS, *accounting.COMMANDS):
        add(commands)
    return commands
