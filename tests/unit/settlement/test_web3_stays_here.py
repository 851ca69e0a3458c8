from __future__ import annotations

import ast
from pathlib import Path

import leverageguard

PACKAGE = Path(leverageguard.__file__).parent


def imports_web3(path: Path) -> bool:
    for node in ast.walk(ast.parse(path.read_text())):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if any(name.split(".")[0] == "web3" for name in names):
            return True
    return False


def test_web3__whole_package__is_imported_by_contracts_and_connection_only() -> None:
    users = {p.relative_to(PACKAGE).as_posix() for p in PACKAGE.rglob("*.py") if imports_web3(p)}
    others = {user for user in users if not user.startswith("settlement/contracts/")}
    assert others == {"settlement/chain.py", "settlement/provider.py"}
