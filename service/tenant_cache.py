"""A cache whose limit is bytes: what was not read for longest goes first."""

from collections import OrderedDict, defaultdict
from typing import Generic, TypeVar

__all__ = ["TenantCache"]

V = TypeVar("V")


class TenantCache(Generic[V]):
    """Values by tenant and key, up to so many bytes by the callers' own measure."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes, self.bytes = max_bytes, 0
        self._entries: OrderedDict[tuple[str, str], tuple[V, int]] = OrderedDict()
        self._keys: defaultdict[str, set[str]] = defaultdict(set)

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, tenant: str, key: str) -> V | None:
        """Return a value, or None, and keep it longer than those that are not read."""
        entry = self._entries.get((tenant, key))
        if entry is None:
            return None
        self._entries.move_to_end((tenant, key))
        return entry[0]

    def put(self, tenant: str, key: str, value: V, size: int) -> None:
        """Remember a value of `size` bytes; one over the limit is not remembered."""
        self.remove(tenant, key)
        if size > self.max_bytes:
            return
        self._entries[tenant, key] = (value, size)
        self._keys[tenant].add(key)
        self.bytes += size
        while self.bytes > self.max_bytes:
            self.remove(*next(iter(self._entries)))

    def remove(self, tenant: str, key: str) -> None:
        """Forget a value, if it is there."""
        entry = self._entries.pop((tenant, key), None)
        if entry is not None:
            self.bytes -= entry[1]
            keys = self._keys[tenant]
            keys.discard(key)
            if not keys:
                del self._keys[tenant]

    def remove_tenant(self, tenant: str) -> None:
        """Forget every value of a tenant."""
        for key in tuple(self._keys.get(tenant, ())):
            self.remove(tenant, key)

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._keys.clear()
        self.bytes = 0
