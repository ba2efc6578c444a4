"""The headers of the options that a file, folder or bucket has."""

from collections.abc import Mapping
from typing import Any, Final

from runtime.integrations.filters import FILTERS
from runtime.values.javascript import js_string

_GRANTS: Final = {
    "grantFullControl": "x-amz-grant-full-control",
    "grantRead": "x-amz-grant-read",
    "grantReadAcp": "x-amz-grant-read-acp",
    "grantWrite": "x-amz-grant-write",
    "grantWriteAcp": "x-amz-grant-write-acp",
}
_PLAIN: Final = {
    "serverSideEncryption": "x-amz-server-side-encryption",
    "encryptionAwsKmsKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
    "serverSideEncryptionContext": "x-amz-server-side-encryption-context",
    "serversideEncryptionCustomerAlgorithm": "x-amz-server-side-encryption-customer-algorithm",
    "serversideEncryptionCustomerKey": "x-amz-server-side-encryption-customer-key",
    "serversideEncryptionCustomerKeyMD5": "x-amz-server-side-encryption-customer-key-md5",
}
_UPPER: Final = {
    "lockMode": "x-amz-object-lock-mode",
    "metadataDirective": "x-amz-metadata-directive",
    "taggingDirective": "x-amz-tagging-directive",
}
_CLASSES: Final = {"RecudedRedundancy": "REDUCED_REDUNDANCY", "onezoneIA": "ONEZONE_IA", "standardIA": "STANDARD_IA"}


def option_headers(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers of the options that are set."""
    made: dict[str, str] = {}
    if given.get("requesterPays"):
        made["x-amz-request-payer"] = "requester"
    if given.get("storageClass"):
        name = js_string(given["storageClass"])
        made["x-amz-storage-class"] = _CLASSES.get(name) or FILTERS["snake"](name).upper()
    if given.get("acl"):
        made["x-amz-acl"] = FILTERS["snake"](given["acl"]).lower().replace("_", "-")
    made |= {wire: "" for name, wire in _GRANTS.items() if given.get(name)}
    made |= {wire: js_string(given[name]) for name, wire in _PLAIN.items() if given.get(name)}
    made |= {wire: js_string(given[name]).upper() for name, wire in _UPPER.items() if given.get(name)}
    if given.get("lockLegalHold"):
        made["x-amz-object-lock-legal-hold"] = "ON"
    if given.get("lockRetainUntilDate"):
        made["x-amz-object-lock-retain-until-date"] = FILTERS["iso"](given["lockRetainUntilDate"])
    if given.get("bucketObjectLockEnabled"):
        made["x-amz-bucket-object-lock-enabled"] = "true"
    return made


def tag_header(parameters: Mapping[str, Any]) -> dict[str, str]:
    """Return the header of the tags, which n8n does not encode; nothing without tags. Raise NodeError for a line break in it."""
    tags = (parameters.get("tagsUi") or {}).get("tagsValues") or []
    pairs = [f"{js_string(each.get('key', ''))}={js_string(each.get('value', ''))}" for each in tags]
    return {"x-amz-tagging": "&".join(pairs)} if pairs else {}
