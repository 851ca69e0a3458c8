"""The launcher says plainly what is wrong and how to mend it, before anything is installed."""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import re
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from leverageguard import cli, cli_options

REPO = Path(__file__).parents[2]
LAUNCHER = REPO / "leverageguard"
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def launcher():
    loader = importlib.machinery.SourceFileLoader("launcher", str(LAUNCHER))
    spec = importlib.util.spec_from_loader("launcher", loader)
    module = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    try:
        loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = before
    return module


@pytest.mark.parametrize("path", [LAUNCHER, *Path(cli_options.__file__).parent.glob("*.py")])
def test_launcher__imports__the_standard_library_alone(path):
    imported = {
        alias.name.split(".")[0]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in (node.names if isinstance(node, ast.Import) else [ast.alias(node.module)])
    }

    # Of the package the command line alone, which is held to the same.
    assert imported - {"leverageguard"} <= sys.stdlib_module_names
    named = re.findall(r"^(?:from|import) leverageguard.*$", path.read_text(), re.MULTILINE)
    allowed = re.compile("from leverageguard(.cli_options import| import cli_options)")
    assert all(allowed.match(line) for line in named)


def test_launcher__help__names_every_command():
    shown = subprocess.run(
        [sys.executable, LAUNCHER, "--help"], capture_output=True, text=True, check=True
    ).stdout

    known = next(iter(cli.parser()._subparsers._group_actions)).choices
    for command in ("test", "install", *known):
        assert re.search(rf"^    {command}\s", shown, re.MULTILINE), command


def test_check_machine__disk_full__says_how_much_is_needed(launcher, monkeypatch, tmp_path):
    monkeypatch.setattr(launcher, "VENV", tmp_path / "absent")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(1, 1, 2**20))

    with pytest.raises(launcher.Failure, match="1 MB of disk are free, 4000 MB are needed"):
        launcher.check_machine()


def test_check_machine__old_python__says_which_is_needed(launcher, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))

    with pytest.raises(launcher.Failure, match=r"Python 3\.11 or newer"):
        launcher.check_machine()


def test_run__command_fails__shows_its_last_words(launcher):
    code = "import sys; print('no such package', file=sys.stderr); sys.exit(3)"

    with pytest.raises(
        launcher.Failure, match=r"(?s)installing x failed \(exit 3\).*no such package"
    ):
        launcher.run([sys.executable, "-c", code], "installing x")


def test_make_venv__lock_unchanged__does_nothing(launcher, monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(launcher, "run", lambda argv, *_rest, **_options: calls.append(argv))
    monkeypatch.setattr(launcher, "LOCKS", tmp_path)
    (tmp_path / "a.lock").write_text("six==1.16.0")
    (tmp_path / "venv").mkdir()

    for _ in range(2):
        launcher.make_venv("uv", tmp_path / "venv", ["a.lock"], lambda _text: None)

    assert len(calls) == 2  # created and installed once


def test_apt_install__not_root__gives_the_command(launcher, monkeypatch):
    monkeypatch.setattr(launcher.os, "geteuid", lambda: 1000)

    with pytest.raises(launcher.Failure, match="run as root: apt-get install -y chromium"):
        launcher.apt_install(["chromium"], lambda _text: None)


def test_launcher__nothing_installed__says_what_to_run(tmp_path):
    copy = tmp_path / "leverageguard"
    shutil.copy(LAUNCHER, copy)

    done = subprocess.run([sys.executable, copy, "status"], capture_output=True, text=True)

    assert done.returncode == 1
    assert "run ./leverageguard up" in done.stderr
