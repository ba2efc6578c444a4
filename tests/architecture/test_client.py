"""The typed client is the one that the description of the API gives, and type checkers accept it."""

from tests.architecture.client_code import FOLDER, client_files
from tests.architecture.test_openapi import describe


def test_the_client_is_up_to_date() -> None:
    """After a change: `python -m tests.architecture.test_client` writes it anew."""
    for name, text in client_files(describe()).items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, name


if __name__ == "__main__":
    for file, content in client_files(describe()).items():
        (FOLDER / file).write_text(content, encoding="utf-8")
