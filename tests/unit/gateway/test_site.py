"""The pages' files: the same words in every language, nothing from elsewhere, nothing inline."""

from __future__ import annotations

import csv
import json
import re

import pytest

from leverageguard import config
from leverageguard.gateway.app import SITE

SEEDS = config.REPO_DIR / "dbt_project" / "seeds"
WORDS = {path.stem: json.loads(path.read_text()) for path in (SITE / "assets/i18n").glob("*.json")}
SCRIPTS = {path.name: path.read_text() for path in sorted((SITE / "assets/js").rglob("*.js"))}
PAGES = [SITE / "index.html", SITE / "app/index.html", SITE / "transparency/index.html"]
CODE = "".join(SCRIPTS.values())
NAMED = re.compile(r"\{(\w+)\}")


def seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def states(machine: str) -> set[str]:
    return {row["to_state"] for row in seed("state_edges") if row["machine"] == machine}


def with_family(family: str, names: set[str]) -> set[str]:
    return {f"{family}.{name}" for name in names}


def test_words__of_every_language__have_the_same_keys_and_values() -> None:
    assert set(WORDS) == {"en", "zh"}
    english, chinese = WORDS["en"], WORDS["zh"]
    assert english.keys() == chinese.keys()
    assert [key for key in english if not (english[key].strip() and chinese[key].strip())] == []
    assert [
        key
        for key in english
        if set(NAMED.findall(english[key])) != set(NAMED.findall(chinese[key]))
    ] == []


def test_words__that_scripts_name__exist() -> None:
    named = set(re.findall(r'\bt\("([\w.]+)"', CODE))

    assert len(named) > 100
    assert named - WORDS["en"].keys() == set()


def test_words__that_exist__are_used() -> None:
    """A key is named whole, or its family is put together with a code of the server's or a name."""
    families = set(re.findall(r"`([\w.]+?)\.?\$\{", CODE)) | set(
        re.findall(r'(?:coded|badge)\("(\w+)"', CODE)
    )
    unused = [
        key
        for key in WORDS["en"]
        if f'"{key}"' not in CODE and not any(key.startswith(f"{one}.") for one in families)
    ]
    assert unused == []


@pytest.mark.parametrize(
    ("family", "codes"),
    [
        ("check", {row["check_code"] for row in seed("claim_checks")}),
        ("claim", states("claim") | {"RECEIVED"}),
        ("state_about", states("claim") | {"RECEIVED"}),
        ("policy", states("policy")),
        ("verdict", {"verified", "rejected", "undetermined"}),
    ],
)
def test_words__for_every_code_of_the_server__are_there(family: str, codes: set[str]) -> None:
    assert with_family(family, codes) - WORDS["en"].keys() == set()


def test_words__for_every_refusal_of_a_quote__are_there() -> None:
    """But for what the page cannot ask for: it gives no references and names no referrer."""
    listed = re.search(
        r"stored with its code: ([^.]+)\.", (config.REPO_DIR / "README.md").read_text()
    )
    assert listed is not None
    codes = set(re.findall(r"`(\w+)`", listed[1])) - {"REFERENCE_REUSED", "REFERRER_NOT_ALLOWED"}

    assert len(codes) >= 10
    assert with_family("problem", codes) - WORDS["en"].keys() == set()


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts__set_text_and_never_markup(name: str) -> None:
    """What a venue or a stranger wrote may stand in an answer: none of it is ever markup."""
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    assert re.findall(forbidden, SCRIPTS[name]) == []


def test_site__asks_no_other_host_and_runs_nothing_inline() -> None:
    for path in [*PAGES, *SITE.rglob("*.css"), *SITE.rglob("*.js")]:
        addresses = set(re.findall(r"https?://[^\"'\s)]+", path.read_text()))
        assert addresses <= {"http://www.w3.org/2000/svg"}, path
    for path in PAGES:
        page = path.read_text()
        assert re.findall(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", page) == []
        for linked in re.findall(r'(?:src|href)="([^"#]+)"', page):
            assert (path.parent / linked).resolve().is_file(), linked


def test_scripts__import_files_that_exist() -> None:
    for path in (SITE / "assets/js").rglob("*.js"):
        for other in re.findall(r'from "(\./[^"]+|\.\./[^"]+)"', path.read_text()):
            assert (path.parent / other).resolve().is_file(), (path, other)


def test_colours__of_text__stand_out_in_both_schemes() -> None:
    """At least 4.5 : 1 (WCAG AA) for every text colour on every ground it is used on."""
    css = (SITE / "assets/css/base.css").read_text()
    light, dark = (_colours(part) for part in css.split("@media (prefers-color-scheme: dark)")[:2])
    pairs = [("ink", "paper"), ("ink", "card"), ("ink-soft", "paper"), ("ink-soft", "card")]
    pairs += [("ink-soft", "raised"), ("accent", "card"), ("accent-ink", "accent")]
    pairs += [
        ("accent", "accent-soft"),
        *((tone, f"{tone}-soft") for tone in ("good", "warn", "bad")),
    ]
    for scheme in (light, light | dark):
        for text, ground in pairs:
            assert _contrast(scheme[text], scheme[ground]) >= 4.5, (text, ground)


def _colours(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", css))


def _contrast(one: str, other: str) -> float:
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
