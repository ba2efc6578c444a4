"""Files of items: finding one by its name, with n8n's texts when it is not there."""

from schemas.item import BinaryRef, Item


class NoBinaryError(Exception):
    """An item has no file of the name that was asked for. `message` and `description` are n8n's."""

    def __init__(self, message: str, description: str) -> None:
        super().__init__(message)
        self.message, self.description = message, description


def binary_of(item: Item, name: str, i: int) -> BinaryRef:
    """The file `name` of input item `i`. Raises NoBinaryError."""
    binary = item.get("binary")
    if not binary:
        raise NoBinaryError(
            f"This operation expects the node's input data to contain a binary file '{name}', but none was found "
            f"[item {i}]",
            "Make sure that the previous node outputs a binary file",
        )
    if name not in binary:
        raise NoBinaryError(
            f"The item has no binary field '{name}' [item {i}]",
            "Check that the parameter where you specified the input binary field name is correct, and that it matches a "
            "field in the binary input",
        )
    return binary[name]
