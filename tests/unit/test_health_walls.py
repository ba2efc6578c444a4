"""What `/health` says of the walls around children."""

from api.health import _sandbox
from runtime.confinement.walls import Wall


def test_health_tells_each_wall_and_stays_up_without_one() -> None:
    """A missing wall is worth a look and no reason to send callers elsewhere."""
    walls = (Wall("files", stands=True), Wall("user", stands=False, reason="only root may"))
    check = _sandbox(walls)
    assert check.status == "up"
    assert check.walls == {"files": "on", "user": "off: only root may"}
    assert check.hint is not None
    assert "user" in check.hint
    assert _sandbox(walls[:1]).hint is None
