"""Names that were replaced by standard terms do not come back."""

from pathlib import Path

from scripts.vocabulary import replaced_names, uses


def test_no_replaced_name_is_used() -> None:
    assert list(uses()) == []


def test_each_replaced_name_is_found(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "old.py").write_text("".join(f"# {name}\n" for name in replaced_names()))
    found = list(uses(tmp_path))
    assert found == [f"app/old.py:{n}: {name}" for n, name in enumerate(replaced_names(), 1)]
