"""Merge: several inputs become one, by position, by fields, all with all, or one after the other."""

from runtime.nodes.merge.v1 import MergeV1
from runtime.nodes.merge.v2 import MergeV2, MergeV3

__all__ = ["MergeV1", "MergeV2", "MergeV3"]
