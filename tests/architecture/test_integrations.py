"""Descriptors of vendors: they can be read, every operation of n8n's is there or explained, every parameter is read."""

import re
from typing import Final

import pytest

from runtime.integrations.coverage import lacking, unknown_functions, unread, unready_credentials
from runtime.integrations.descriptor import Descriptor, listed
from runtime.integrations.folder import FOLDER
from runtime.integrations.index import types
from runtime.integrations.loader import build, descriptors, facts_for, folders, functions_of, index_text
from runtime.integrations.pages import DOCS, files

ALL = [(folder, each) for folder in folders() for each in descriptors(folder)]
IDS = [f"{folder}/{each.type.rpartition('.')[2]}-{each.versions[0]:g}" for folder, each in ALL]


def test_the_index_is_what_the_folders_hold() -> None:
    assert (FOLDER / "index.json").read_text(encoding="utf-8") == index_text(), "Run: make generate"


@pytest.mark.parametrize("type_", sorted(types()))
def test_a_type_has_classes_for_its_versions(type_: str) -> None:
    versions = [version for each in build(type_, types()[type_]) for version in each.versions]
    assert versions, f"no descriptor of the folder describes {type_}"


@pytest.mark.parametrize(("folder", "descriptor"), ALL, ids=IDS)
def test_every_operation_is_there_or_explained(folder: str, descriptor: Descriptor) -> None:
    found = lacking(descriptor, facts_for(folder, descriptor))
    assert not found, f"add them to `operations`, or to `missing` with a sentence that says what to do instead: {found}"


@pytest.mark.parametrize(("folder", "descriptor"), ALL, ids=IDS)
def test_every_parameter_is_read_or_explained(folder: str, descriptor: Descriptor) -> None:
    found = unread(descriptor, facts_for(folder, descriptor), functions_of(descriptor, folder))
    assert not found, f"read them, or add them to `unused` with the reason: {found}"


@pytest.mark.parametrize(("folder", "descriptor"), ALL, ids=IDS)
def test_every_function_is_in_the_vendors_module(folder: str, descriptor: Descriptor) -> None:
    missing = unknown_functions(descriptor, functions_of(descriptor, folder))
    assert not missing, f"runtime/integrations/{folder}/functions.py lacks {missing}"


@pytest.mark.parametrize(("folder", "descriptor"), ALL, ids=IDS)
def test_every_credential_signs_and_goes_to_its_vendor(folder: str, descriptor: Descriptor) -> None:
    """One of an unknown type would not be sent at all, and the vendor's refusal would be the first that anybody hears of it."""
    assert not unready_credentials(descriptor), folder


HOLE: Final = re.compile(r"\{([^{}]*)\}")


@pytest.mark.parametrize(("folder", "descriptor"), ALL, ids=IDS)
def test_a_path_in_parts_escapes_them(folder: str, descriptor: Descriptor) -> None:
    """A value that begins with a slash becomes a part of a path, in which slashes stay (`path`)."""
    steps = (each for one in descriptor.operations.values() for variant in listed(one) for each in variant.steps)
    named = [dict(descriptor.values), *(dict(each.set or {}) for each in steps)]
    texts = (each for values in named for each in values.values() if isinstance(each, str) and each.startswith("/"))
    bare = [text for text in texts for hole in HOLE.findall(text) if not hole.endswith(("|segment", "|path"))]
    assert not bare, f"runtime/integrations/{folder}: end each hole with |segment: {bare}"


def test_the_pages_are_what_the_descriptors_say() -> None:
    there = {path.name: path.read_text(encoding="utf-8") for path in DOCS.glob("*.md")}
    assert there == files(), "Run: make generate"
