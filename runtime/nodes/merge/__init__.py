"""Merge: several inputs become one, by position, by fields, by SQL, all with all, or one after the other."""

from runtime.nodes.merge.by_sql import MergeBySql
from runtime.nodes.merge.v1 import MergeV1
from runtime.nodes.merge.v2 import MergeV2, MergeV3

__all__ = ["MergeBySql", "MergeV1", "MergeV2", "MergeV3"]
