"""Children start wherever the product is installed: in folders with spaces, quotes and letters that are not ASCII."""

import subprocess
import sysconfig
import venv
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
FOLDERS: Final = ("with space", "über café", "it's $HOME", "日本語")
PROGRAM: Final = """
from runtime.confinement.walls import check_walls
from runtime.expressions.v8.child_process import ChildProcess
ChildProcess().kill()
print(*{wall.reason for wall in check_walls() if 'does not start' in (wall.reason or '')}, sep='; ')
"""


@pytest.mark.parametrize("name", FOLDERS)
def test_children_start_in_a_folder(tmp_path: Path, name: str) -> None:
    """The system may lack the locale that a child gets, and then its interpreter could not read such a path, its own included."""
    folder = tmp_path / name
    folder.mkdir()
    for package in ("runtime", "schemas"):
        (folder / package).symlink_to(ROOT / package)
    venv.create(folder / ".venv", symlinks=True)
    python = folder / ".venv/bin/python"
    libraries = subprocess.run(
        [python, "-c", "import site; print(site.getsitepackages()[0])"], capture_output=True, text=True, check=True
    )
    (Path(libraries.stdout.strip()) / "product.pth").write_text(
        f"{folder}\n{sysconfig.get_path('purelib')}\n", encoding="utf-8"
    )
    done = subprocess.run([python, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
