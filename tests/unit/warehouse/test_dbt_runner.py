import pytest

from leverageguard.warehouse import dbt_runner


@pytest.fixture
def built(settings, monkeypatch):
    """A stack whose last whole build passed, and the list of builds asked for since."""
    hour = settings.raw_dir / "exchanges" / "fills"
    hour.mkdir(parents=True)
    (hour / "okx-group-00-fills.parquet").write_bytes(b"rows")
    settings.warehouse_path.parent.mkdir(parents=True)
    settings.warehouse_path.write_bytes(b"")
    stamp = dbt_runner._stamp(settings)
    stamp.parent.mkdir(parents=True)
    stamp.write_text(dbt_runner._fingerprint(settings))
    asked = []
    monkeypatch.setattr(dbt_runner, "build", lambda: asked.append(1) or {"success": 1})
    return settings, asked


def test_build_if_changed__nothing_new__does_not_build(built):
    assert dbt_runner.build_if_changed() == {"unchanged": 1}
    assert built[1] == []


def test_build_if_changed__one_row_corrected__builds(built):
    settings, asked = built
    (settings.raw_dir / "exchanges" / "fills" / "okx-group-00-fills.parquet").write_bytes(
        b"more rows"
    )

    assert dbt_runner.build_if_changed() == {"success": 1}
    assert asked == [1]


def test_build_if_changed__file_of_raw_gone__builds(built):
    settings, asked = built
    (settings.raw_dir / "exchanges" / "fills" / "okx-group-00-fills.parquet").unlink()

    dbt_runner.build_if_changed()

    assert asked == [1]


def test_build_if_changed__warehouse_gone__builds(built):
    settings, asked = built
    settings.warehouse_path.unlink()

    dbt_runner.build_if_changed()

    assert asked == [1]


def test_build_if_changed__a_file_is_being_landed__does_not_build_yet(built):
    settings, asked = built
    (settings.raw_dir / "exchanges" / "fills" / ".okx-group-00-fills.parquet.1-2.tmp").write_bytes(
        b"half"
    )

    assert dbt_runner.build_if_changed() == {"unchanged": 1}
    assert asked == []
