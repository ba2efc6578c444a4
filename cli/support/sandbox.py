"""The walls around children, as the settings want them, for the verbs that start a service."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runtime.confinement.walls import Wall
    from runtime.platform.settings import Settings

__all__ = ["build_walls"]


def build_walls(settings: "Settings") -> "tuple[Wall, ...]":
    """Confine this process's children as the settings say, try their walls, log those that do not stand, and return all.

    Blocking, some 100 ms. Raise WallMissing when the settings require all.
    """
    from runtime.confinement.children import Policy, configure
    from runtime.confinement.walls import check_walls, insist
    from runtime.platform.telemetry.logging import get_logger

    strict = settings.sandbox == "require"
    configure(Policy(strict=strict, users=settings.sandbox_users))
    walls = check_walls()
    if strict:
        insist(walls)
    missing = {wall.name: wall.reason for wall in walls if not wall.stands}
    if missing:
        get_logger("tempor8.sandbox").warning("walls around children are missing", walls=missing)
    return walls
