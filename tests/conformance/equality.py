"""When two recorded values mean the same: the rules of the recorded cases' own comparer."""

import math
from typing import Any


def same_value(expected: Any, actual: Any) -> bool:
    """Deep equality: numbers within 1e-9, key order ignored, an undefined value equal to an absent one and to null."""
    if _is_undefined(expected) or _is_undefined(actual):
        return (expected is None or _is_undefined(expected)) and (actual is None or _is_undefined(actual))
    return _equal(expected, actual)


def _is_undefined(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"$undefined"}


def _equal(left: Any, right: Any) -> bool:
    for one, other in ((left, right), (right, left)):
        if isinstance(one, dict) and set(one) == {"$number"} and other is None:
            return True
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left == right or math.isclose(left, right, rel_tol=1e-9)
    if isinstance(left, str) and isinstance(right, str):
        return str(left) == str(right)
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_equal(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(_equal, left, right))
    return bool(left == right)
