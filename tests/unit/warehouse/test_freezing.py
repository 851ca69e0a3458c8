from leverageguard.warehouse import freezing


def land(settings, table, content, name="okx.parquet"):
    path = settings.raw_dir / table / "dt=2026-01-05" / "hr=10" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(".draft")
    draft.write_text(content)
    draft.replace(path)
    return path


def frozen(settings, path):
    return settings.build_raw_dir / path.relative_to(settings.raw_dir)


def test_freeze__file_replaced_afterwards__keeps_what_the_build_found(settings):
    path = land(settings, "exchanges/fills", "before")
    folder = freezing.freeze(settings)
    land(settings, "exchanges/fills", "after")
    late = land(settings, "exchanges/fills", "late", "bybit.parquet")

    assert folder == settings.build_raw_dir
    assert frozen(settings, path).read_text() == "before"
    assert not frozen(settings, late).exists()


def test_freeze__again__shows_what_is_there_now_and_no_drafts(settings):
    path = land(settings, "exchanges/fills", "before")
    gone = land(settings, "exchanges/fills", "gone", "gate.parquet")
    freezing.freeze(settings)
    gone.unlink()
    land(settings, "exchanges/fills", "after")
    (path.parent / ".okx.parquet.1-2.tmp").write_text("half")
    freezing.freeze(settings)

    found = [each for each in settings.build_raw_dir.rglob("*") if each.is_file()]
    assert found == [frozen(settings, path)]
    assert found[0].read_text() == "after"


def test_freeze__rows_land_with_their_window_meanwhile__window_never_comes_without_them(
    settings, monkeypatch
):
    """The window is linked first: one that vouches for rows is there only with them."""
    window = land(settings, "exchanges/fetch_windows", "open")
    fills = land(settings, "exchanges/fills", "none")
    plan = land(settings, "settlement/payouts", "none")
    payment = land(settings, "chain/payouts", "none")
    link = freezing._link

    def slowly(path, target):
        link(path, target)
        # All of it lands while the first file was being linked, rows before what rests on them.
        land(settings, "exchanges/fills", "rows")
        land(settings, "exchanges/fetch_windows", "complete")
        land(settings, "settlement/payouts", "planned")
        land(settings, "chain/payouts", "paid")

    monkeypatch.setattr(freezing, "_link", slowly)
    freezing.freeze(settings)

    assert frozen(settings, window).read_text() == "open"
    assert frozen(settings, fills).read_text() == "rows"
    assert frozen(settings, payment).read_text() == "paid"
    assert frozen(settings, plan).read_text() == "planned"


def test_freeze__new_files_land_meanwhile__rows_come_with_replies_and_no_window(
    settings, monkeypatch
):
    """A file that was not there when the build began keeps the order as well."""
    land(settings, "exchanges/fetch_windows", "open")
    land(settings, "exchanges/fills", "none")
    link = freezing._link

    def slowly(path, target):
        link(path, target)
        for table in ("exchanges/replies", "exchanges/fills", "exchanges/fetch_windows"):
            land(settings, table, "new", "gate.parquet")

    monkeypatch.setattr(freezing, "_link", slowly)
    folder = freezing.freeze(settings)

    found = {"/".join(path.parts[-5:-3]) for path in folder.rglob("gate.parquet")}
    assert found == {"exchanges/fills", "exchanges/replies"}


def test_freeze__one_file_after_the_other__what_rests_on_others_first(settings, monkeypatch):
    tables = [
        "chain/deposits", "chain/fetch_windows", "exchanges/fetch_windows", "exchanges/fills",
        "exchanges/orders", "exchanges/replies", "fund/ledger_entries", "fund/ledger_runs",
        "intake/claims", "settlement/payouts",
    ]  # fmt: skip
    for table in tables:
        land(settings, table, "")
    linked = []
    monkeypatch.setattr(
        freezing, "_link", lambda path, target: linked.append("/".join(path.parts[-5:-3]))
    )
    monkeypatch.setattr(freezing.Path, "rename", lambda self, target: target)
    freezing.freeze(settings)

    assert linked == [
        "fund/ledger_runs", "fund/ledger_entries",
        "exchanges/fetch_windows", "chain/fetch_windows", "chain/deposits", "settlement/payouts",
        "exchanges/fills", "exchanges/orders", "intake/claims", "exchanges/replies",
    ]  # fmt: skip


def test_freeze__file_system_without_links__copies(settings, monkeypatch):
    path = land(settings, "exchanges/fills", "before")

    def refuse(*_):
        raise OSError("no links here")

    monkeypatch.setattr(freezing.os, "link", refuse)
    freezing.freeze(settings)

    assert frozen(settings, path).read_text() == "before"
