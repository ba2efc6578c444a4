"""The icons of nodes: lines in a square of 24, drawn for this console."""

from typing import Final

__all__ = ["ICONS"]

ICONS: Final = {
    "trigger": "M13 3L5 14h6l-1 7 8-11h-6z",
    "webhook": "M12 12m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0M5 5a10 10 0 0 0 0 14M19 5a10 10 0 0 1 0 14M8 8a6 6 0 0 0 0 8M16 8a6 6 0 0 1 0 8",
    "clock": "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18M12 7v5l4 2",
    "flow": "M4 12h14M13 6l6 6-6 6",
    "split": "M3 12h6l5-6h6M9 12l5 6h6M17 3l3 3-3 3M17 15l3 3-3 3",
    "merge": "M3 6h5l6 6h6M3 18h5l6-6M17 9l3 3-3 3",
    "loop": "M4 12a8 8 0 0 1 14-5l2 2M20 4v5h-5M20 12a8 8 0 0 1-14 5l-2-2M4 20v-5h5",
    "code": "M9 6l-6 6 6 6M15 6l6 6-6 6",
    "http": "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18M3 12h18M12 3a14 14 0 0 1 0 18a14 14 0 0 1 0-18",
    "data": "M4 20l4-1L19 8l-3-3L5 16zM14 7l3 3",
    "ai": "M12 3l2 7 7 2-7 2-2 7-2-7-7-2 7-2z",
    "vendor": "M4 8l8-4 8 4v8l-8 4-8-4zM4 8l8 4 8-4M12 12v8",
}
"""Name -> the path of SVG."""
