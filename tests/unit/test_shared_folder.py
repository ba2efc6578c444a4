"""The folder of recorded cases is known by its marker and by nothing else."""

from pathlib import Path

from tests.shared_folder import MARKER, shared_path


def test_a_folder_of_that_name_without_the_marker_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "shared" / "corpus" / "exports").mkdir(parents=True)
    (tmp_path / "shared" / "conformance").mkdir()
    clone = tmp_path / "clone"
    assert shared_path(repository=clone) is None
    assert shared_path("corpus", "exports", repository=clone) is None


def test_a_folder_with_the_marker_is_ours_and_a_part_that_is_missing_is_none(tmp_path: Path) -> None:
    marker = tmp_path / "shared" / MARKER
    marker.parent.mkdir(parents=True)
    marker.write_text("# Recorded cases\n", encoding="utf-8")
    clone = tmp_path / "clone"
    assert shared_path(repository=clone) == tmp_path / "shared"
    assert shared_path("conformance", repository=clone) == tmp_path / "shared" / "conformance"
    assert shared_path("corpus", repository=clone) is None


def test_without_a_folder_beside_the_clone_there_is_none(tmp_path: Path) -> None:
    assert shared_path(repository=tmp_path / "clone") is None
