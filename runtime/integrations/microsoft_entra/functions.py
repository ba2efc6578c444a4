"""Microsoft Entra ID: the form of ids, what is asked for of groups and users, and the bodies that create and change them."""

import re
from collections.abc import Mapping
from typing import Any, Final

from runtime.contract import Item, NodeApiError, NodeError
from runtime.integrations.filters import FILTERS, segment
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.values.javascript import js_string, truthy
from schemas.item import UNDEFINED

_ID: Final = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_PRINCIPAL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_NAME: Final = re.compile(r"[A-Za-z0-9'.\-_!#^~@]*")
_ALL_OF_USER: Final = (
    "id,accountEnabled,ageGroup,assignedLicenses,assignedPlans,authorizationInfo,businessPhones,city,companyName,"
    "consentProvidedForMinor,country,createdDateTime,creationType,customSecurityAttributes,deletedDateTime,department,displayName,"
    "employeeHireDate,employeeId,employeeLeaveDateTime,employeeOrgData,employeeType,externalUserState,"
    "externalUserStateChangeDateTime,faxNumber,givenName,identities,imAddresses,isManagementRestricted,isResourceAccount,jobTitle,"
    "lastPasswordChangeDateTime,legalAgeGroupClassification,licenseAssignmentStates,mail,mailNickname,mobilePhone,officeLocation,"
    "onPremisesDistinguishedName,onPremisesDomainName,onPremisesExtensionAttributes,onPremisesImmutableId,"
    "onPremisesLastSyncDateTime,onPremisesProvisioningErrors,onPremisesSamAccountName,onPremisesSecurityIdentifier,"
    "onPremisesSyncEnabled,onPremisesUserPrincipalName,otherMails,passwordPolicies,passwordProfile,postalCode,preferredDataLocation,"
    "preferredLanguage,provisionedPlans,proxyAddresses,securityIdentifier,serviceProvisioningErrors,showInAddressList,"
    "signInSessionsValidFromDateTime,state,streetAddress,surname,usageLocation,userPrincipalName,userType"
)
_PROFILE: Final = frozenset(
    {"aboutMe", "birthday", "interests", "mySite", "pastProjects", "preferredName", "responsibilities", "schools", "skills"}
)  # fmt: skip
"""Members of a user that Graph changes in a request of their own."""
_DATES: Final = frozenset({"birthday", "employeeHireDate", "employeeLeaveDateTime"})
_NOT_CHANGED: Final = frozenset({"employeeHireDate", "employeeLeaveDateTime"})
"""Members that n8n offers to change and never sends."""
_AT_ONCE: Final = frozenset({"isAssignableToRole", "membershipRule", "membershipRuleProcessingState"})
"""Members of a group that it has from the beginning."""
_LATER: Final = frozenset({"allowExternalSenders", "autoSubscribeNewMembers"})


def wrong_user(scope: Scope) -> Any:
    """Return what is wrong with the user, who is given by an id or a principal name; UNDEFINED: nothing."""
    value = _located(scope, "user")
    if not value:
        return "The user is empty"
    return UNDEFINED if _ID.fullmatch(value) or _PRINCIPAL.fullmatch(value) else "The user ID is invalid"


def wrong_group_id(scope: Scope) -> Any:
    """Return what is wrong with the group, which is given by an id; UNDEFINED: nothing."""
    value = _located(scope, "group")
    if not value:
        return "The group is empty"
    return UNDEFINED if _ID.fullmatch(value) else "The group ID is invalid"


def _located(scope: Scope, name: str) -> str:
    found = FILTERS["locator"](scope.parameters.get(name, ""))
    return "" if found is UNDEFINED or found is None else js_string(found)


def selected(scope: Scope) -> Any:
    """Return the members that are asked for; UNDEFINED: those that Graph gives by itself."""
    parameters, table = scope.parameters, scope.tables[f"of_{js_string(scope.parameters.get('resource'))}"]
    output = js_string(parameters.get("output") or "simple")
    if output == "fields":
        return ",".join([*map(js_string, FILTERS["list"](parameters.get("fields"))), "id"])
    if output == "raw":
        return _ALL_OF_USER if parameters.get("resource") == "user" else UNDEFINED
    return table["simple"]


def _additional(scope: Scope, name: str = "additionalFields") -> Mapping[str, Any]:
    given = scope.parameters.get(name)
    return given if isinstance(given, Mapping) else {}


def wrong_group(scope: Scope) -> Any:
    """Return what is wrong with a group that is to be made; UNDEFINED: nothing."""
    if "@" in js_string(scope.parameters.get("mailNickname") or ""):
        return "'Group Email Address' should only include the local-part of the email address, without @"
    given = _additional(scope)
    if truthy(given.get("isAssignableToRole")) and given.get("visibility") != "Private":
        return "'Visibility' must be set to 'Private' if 'Assignable to Role' is set"
    return UNDEFINED


def new_group(scope: Scope) -> dict[str, Any]:
    """Return the body that makes a group."""
    parameters = scope.parameters
    kinds = [each for each in (parameters.get("groupType"), parameters.get("membershipType")) if each]
    body = {name: parameters.get(name) for name in ("displayName", "mailNickname")}
    body["mailEnabled"] = parameters.get("mailEnabled", False)
    body["securityEnabled"] = parameters.get("securityEnabled", True)
    body |= {name: each for name, each in _additional(scope).items() if name in _AT_ONCE}
    return body | ({"groupTypes": kinds} if kinds else {})


def later_of_group(scope: Scope) -> dict[str, Any]:
    """Return the members that a new group gets in a second request."""
    return {name: each for name, each in _additional(scope).items() if name not in _AT_ONCE}


def changed_group(scope: Scope) -> Any:
    """Return the body of the first of two requests that change a group; UNDEFINED: it has none."""
    return {name: each for name, each in _additional(scope, "updateFields").items() if name not in _LATER} or UNDEFINED


async def create_user(run: Run, scope: Scope) -> list[Item]:
    """Make a user, with further members in requests of their own; where one fails, the user goes again. Raise NodeError."""
    parameters = scope.parameters
    if not _NAME.fullmatch(js_string(parameters.get("userPrincipalName") or "")):
        message = "Only the following characters are allowed for 'User Principal Name': A-Z, a-z, 0-9, ' . - _ ! # ^ ~"
        raise NodeApiError(message, item=scope.index)
    body = {
        name: parameters.get(name) for name in ("accountEnabled", "displayName", "userPrincipalName", "mailNickname")
    }
    body["passwordProfile"] = {"password": parameters.get("password")}
    made = await run.request(scope, method="POST", path="/users", json=body)
    given = _additional(scope)
    path = f"/users/{segment(made.get('id'))}"
    later = [each for each in (_profile(given), _other(given, None)) if each]
    try:
        for each in later:
            await run.request(scope, method="PATCH", path=path, json=each)
    except NodeError:
        await run.request(scope, method="DELETE", path=path, json={}, response="text")
        raise
    return [{"json": {**made, **{name: value for each in later for name, value in each.items()}}}]


def changed_user(scope: Scope) -> Any:
    """Return the body of the first of two requests that change a user; UNDEFINED: it has none."""
    given = _additional(scope, "updateFields")
    kept = {name: each for name, each in given.items() if name not in _NOT_CHANGED}
    return _other(kept, given.get("password")) or UNDEFINED


def profile(scope: Scope) -> dict[str, Any]:
    """Return the body of the second of two requests that change a user."""
    return _profile(_additional(scope, "updateFields"))


def _profile(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _dated(name, each) for name, each in given.items() if name in _PROFILE}


def _other(given: Mapping[str, Any], password: Any) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for name, each in given.items():
        if name in _PROFILE or name in ("password", "forceChangePassword"):
            continue
        if name == "businessPhones":
            body[name] = [each] if each else []
        elif name == "employeeOrgData":
            body[name] = (each or {}).get("employeeOrgValues") if isinstance(each, Mapping) else each
        elif name == "passwordPolicies":
            body[name] = ",".join(map(js_string, FILTERS["list"](each)))
        else:
            body[name] = _dated(name, each)
    secret = {"password": password} if password else {}
    if given.get("forceChangePassword"):
        secret[js_string(given["forceChangePassword"])] = True
    return body | ({"passwordProfile": secret} if secret else {})


def _dated(name: str, value: Any) -> Any:
    return FILTERS["iso"](value) if name in _DATES else value
