"""HubSpot: fields as properties, queries, and pages whose query goes on with the next item."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from runtime.contract import Item, Items, NodeError
from runtime.integrations.answers import ThrownError, member_of_answer
from runtime.integrations.filters import FILTERS, segment
from runtime.integrations.hubspot.engagements import metadata_of
from runtime.integrations.hubspot.fields import MODES, PROPERTIES
from runtime.integrations.hubspot.paging import listed, searched
from runtime.integrations.operation import Run
from runtime.integrations.scope import Scope
from runtime.integrations.template import Template
from runtime.values.javascript import js_string, js_typeof, truthy
from schemas.item import UNDEFINED, PairedItem

_WHOLE: Final = re.compile(r"\s*[+-]?\d+")
_CONTACT_TO_COMPANY: Final = 1
_TICKET_TO_CONTACT: Final = 16
_TICKET_TO_COMPANY: Final = 26
_OWNER_OF_ENGAGEMENT_SINCE: Final = 2.2
_MOMENTS: Final = frozenset({"closeDate", "createDate", "latestTrafficSourceDate", "prospectingAgentLastEnrolled"})
"""Fields that are sent in milliseconds."""


def _options(scope: Scope) -> Mapping[str, Any]:
    """Return the collection of further fields; its name depends on the operation and the version."""
    names = ("additionalFields", "updateFields", "filters", "options")
    return next((found for name in names if isinstance(found := scope.parameters.get(name), Mapping)), {})


def _properties(table: str, given: Mapping[str, Any], key: str = "name") -> list[dict[str, Any]]:
    """Return fields as `[{name, value}]`, in the order of a table, those that the node does not know last."""
    made = [
        {key: name, "value": _value(field, given[field])}
        for field, name in PROPERTIES[table].items()
        if truthy(given.get(field))
    ]
    custom = (given.get("customPropertiesUi") or {}).get("customPropertiesValues") or []
    members = {"property": key, "value": "value"}
    return made + [{members[name]: each[name] for name in members if name in each} for each in custom]


def _value(field: str, value: Any) -> Any:
    if field in _MOMENTS:
        return FILTERS["epoch_ms"](value)
    if field == "annualRevenue":
        return js_string(value)
    if field == "buyingRole":
        return FILTERS["join"](value, ";")
    return FILTERS["locator"](value)


def company_properties(scope: Scope) -> list[dict[str, Any]]:
    """Return the properties of a company."""
    return _properties("company", {"name": scope.parameters.get("name"), **_options(scope)})


def deal_properties(scope: Scope) -> list[dict[str, Any]]:
    """Return the properties of a deal."""
    return _properties("deal", {"stage": scope.parameters.get("stage"), **_options(scope)})


def _query(scope: Scope, properties: str, *flags: str) -> dict[str, Any]:
    """Return the query of a request that reads objects.

    Args:
        scope: the parameters.
        properties: what HubSpot calls the properties to return in this request.
        flags: members of the collection that are sent under their own name.
    """
    given = _options(scope)
    chosen = (given.get("propertiesCollection") or {}).get("propertiesValues") or {}
    names = chosen.get("properties") or given.get("properties")
    mode = chosen.get("propertyMode") or given.get("propertyMode")
    query: dict[str, Any] = {properties: names, "propertyMode": MODES.get(mode or "")}
    query |= {name: given.get(name) for name in flags}
    if given.get("since"):
        query["since"] = FILTERS["epoch_ms"](given["since"])
    return {name: each for name, each in query.items() if each not in (None, "", [], False)}


def contact_query(scope: Scope, properties: str | None = None) -> dict[str, Any]:
    """Return the query of a request that reads contacts."""
    query = _query(scope, properties or ("property" if scope.version < _LOCATORS_SINCE else "properties"))
    given = _options(scope)
    query |= {"formSubmissionMode": given["formSubmissionMode"]} if given.get("formSubmissionMode") else {}
    return query | ({"showListMemberships": True} if given.get("listMemberships") else {})


_LOCATORS_SINCE: Final = 2


def deals_query(scope: Scope) -> dict[str, Any]:
    """Return the query of a request that lists deals. The request for one deal has none in n8n, whatever its parameters say."""
    return _query(scope, "properties", "includePropertyVersions")


def ticket_query(scope: Scope) -> dict[str, Any]:
    """Return the query of a request that reads tickets."""
    query = _query(scope, "properties", "includeDeleted")
    return query | _history(_options(scope), "additionalFields")


def _history(given: Mapping[str, Any], collection: str) -> dict[str, Any]:
    """Return the properties whose history is asked for, as a member of a query. Raise NodeError for what is no text."""
    names = given.get("propertiesWithHistory")
    if not truthy(names):
        return {}
    if not isinstance(names, str):
        raise NodeError(
            f"{collection}.propertiesWithHistory.split is not a function", description="Separate names with commas."
        )
    return {"propertiesWithHistory": names.split(",")}


def deleted(scope: Scope) -> Any:
    """Return the response to a deletion; where it is empty, the id of what was deleted since version 2. Of tickets it is not read."""
    kind = scope.parameters.get("resource")
    if scope.version < _LOCATORS_SINCE:
        return {"success": True} if kind in ("engagement", "ticket") else scope.names.get("response", UNDEFINED)
    if scope.names.get("response") and kind != "ticket":
        return scope.names["response"]
    names = ("contactId", "companyId", "dealId", "ticketId", "engagementId")
    found = next((each for name in names if (each := scope.parameters.get(name, UNDEFINED)) is not UNDEFINED), None)
    return {"vid": FILTERS["locator"](found), "deleted": True}


def engagement(scope: Scope) -> dict[str, Any]:
    """Return the body that creates an engagement. Raise NodeError when it has no content."""
    parameters, given = scope.parameters, _options(scope).get("associations") or {}
    metadata = parameters.get("metadata") or {}
    if not metadata:
        raise NodeError("At least one metadata field needs to set", item=scope.index)
    head: dict[str, Any] = {"type": js_string(parameters.get("type", UNDEFINED)).upper()}
    if scope.version >= _OWNER_OF_ENGAGEMENT_SINCE:
        head |= {"ownerId": given["ownerId"]} if given.get("ownerId") else {}
        head |= {"timestamp": FILTERS["epoch_ms"](parameters["dueDate"])} if parameters.get("dueDate") else {}
    kinds = ("companyIds", "contactIds", "dealIds", "ownerIds", "ticketIds")
    associations = {name: js_string(given[name]).split(",") for name in kinds if given.get(name)}
    return {"engagement": head, "metadata": metadata_of(head["type"], metadata), "associations": associations}


async def upsert_contact(run: Run, scope: Scope) -> list[Item]:
    """Create or update a contact, connect it to a company, and read it."""
    given = _options(scope)
    made = await run.request(
        scope,
        method="POST",
        path=Template("/contacts/v1/contact/createOrUpdate/email/{email}"),
        json={"properties": _properties("contact", given, "property")},
    )
    if truthy(given.get("associatedCompanyId")):
        await _associate(run, scope, member_of_answer(made, "vid"), [given["associatedCompanyId"]], _CONTACT_TO_COMPANY)
    parameters = scope.parameters
    bare = (parameters.get("options") or {}).get("resolveData", False)
    if not parameters.get("resolveData", not bare):
        return [{"json": made}]
    query = {"property": given["properties"]} if given.get("properties") else {}
    path = f"/contacts/v1/contact/vid/{segment(member_of_answer(made, 'vid'))}/profile"
    profile = await run.request(scope, path=path, query=query, arrays="repeat")
    if profile is None or profile is UNDEFINED:
        raise ThrownError(f"Cannot set properties of {'null' if profile is None else 'undefined'} (setting 'isNew')")
    if isinstance(profile, str | int | float):
        raise ThrownError(f"Cannot create property 'isNew' on {js_typeof(profile)} '{js_string(profile)}'")
    is_new = made.get("isNew", UNDEFINED) if isinstance(made, Mapping) else UNDEFINED
    if isinstance(profile, Mapping):
        profile = {**{name: each for name, each in profile.items() if name != "isNew"}, "isNew": is_new}
    return [{"json": profile}]


async def _associate(run: Run, scope: Scope, source: Any, targets: Sequence[Any], kind: int) -> None:
    body = [
        {"fromObjectId": source, "toObjectId": each, "category": "HUBSPOT_DEFINED", "definitionId": kind}
        for each in targets
    ]
    path = "/crm-associations/v1/associations/create-batch"
    await run.request(scope, method="PUT", path=path, json=body)


async def create_ticket(run: Run, scope: Scope) -> list[Item]:
    """Create a ticket, and connect it to contacts and companies."""
    return await _write_ticket(run, scope, "POST", "/crm-objects/v1/objects/tickets")


async def update_ticket(run: Run, scope: Scope) -> list[Item]:
    """Update a ticket, and connect it to contacts and companies."""
    return await _write_ticket(run, scope, "PUT", Template("{$ticket|path}"))


async def _write_ticket(run: Run, scope: Scope, method: str, path: str) -> list[Item]:
    given = _options(scope)
    own = {name: scope.parameters.get(name) for name in ("pipelineId", "stageId", "ticketName")}
    fields = {**own, **given}
    properties = _properties("ticket", fields)
    if method == "PUT":  # n8n's node sends the date of creation as the one of closing
        moment = FILTERS["epoch_ms"](fields["createDate"]) if truthy(fields.get("createDate")) else None
        properties = [{**each, "value": moment} if each["name"] == "closed_date" else each for each in properties]
    made = await run.request(scope, method=method, path=path, json=properties)
    for name, kind in (("associatedCompanyIds", _TICKET_TO_COMPANY), ("associatedContactIds", _TICKET_TO_CONTACT)):
        if truthy(given.get(name)):
            await _associate(run, scope, member_of_answer(made, "objectId"), given[name], kind)
    return [{"json": made}]


async def change_list(run: Run) -> Items:
    """Add contacts to a list, or remove them: those of all items in one request."""
    scopes = [await run.scope(i) for i in range(len(run.items))]
    body: dict[str, list[Any]] = {"emails": [], "vids": []}
    for scope in scopes:
        if scope.parameters.get("by") == "email":
            body["emails"].append(scope.parameters.get("email"))
        else:
            number = _WHOLE.match(js_string(scope.parameters.get("id", UNDEFINED)))
            body["vids"].append(int(number[0]) if number else None)
    if scopes[0].parameters.get("operation") == "remove":
        del body["emails"]
    made = await run.request(scopes[0], method="POST", path=Template("{$list|path}/{operation}"), json=body)
    if scopes[0].version < _LOCATORS_SINCE:  # n8n's node drops the answer
        return []
    paired: list[PairedItem] = [{"item": i} for i in range(len(scopes))]
    return [{"json": made, "pairedItem": paired}]


async def submit_form(run: Run, scope: Scope) -> list[Item]:
    """Submit the input item to a form: its members are the fields."""
    parameters = scope.parameters
    form = await run.request(scope, path=Template("/forms/v2/forms/{formId}"))
    form = form if isinstance(form, Mapping) else {}
    given = parameters.get("additionalFields") or {}
    body: dict[str, Any] = {"formId": parameters.get("formId"), "portalId": form.get("portalId", UNDEFINED)}
    body |= _consent(parameters.get("lengalConsentUi") or {})
    body["fields"] = [{"name": name, "value": each} for name, each in scope.item.get("json", {}).items()]
    if context := (parameters.get("contextUi") or {}).get("contextValue"):
        body["context"] = {name: each for name, each in context.items() if truthy(each)}
    if given.get("submittedAt"):
        body["submittedAt"] = FILTERS["epoch_ms"](given["submittedAt"])
    if given.get("skipValidation"):
        body["skipValidation"] = given["skipValidation"]
    portal = js_string(form.get("portalId", UNDEFINED))
    url = f"https://api.hsforms.com/submissions/v3/integration/submit/{segment(portal)}/{segment(parameters.get('formId'))}"
    return [{"json": await run.request(scope, method="POST", url=url, json=body)}]


def _consent(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members that say to what the person has agreed."""
    if consent := given.get("lengalConsentValues"):
        told = {name: consent[name] for name in ("consentToProcess", "text") if truthy(consent.get(name))}
        communications = (consent.get("communicationsUi") or {}).get("communicationValues")
        told |= {"communications": communications} if communications else {}
        return {"legalConsentOptions": {"consent": told}}
    return {"legalConsentOptions": {"consent": {}}}


async def get_companies(run: Run) -> Items:
    """List companies."""

    def query(scope: Scope) -> dict[str, Any]:
        own = _history(_options(scope), "options")
        audits = ("includeMergeAudits",) if scope.version < _LOCATORS_SINCE else ()
        return _query(scope, "properties", *audits) | own

    return await listed(run, "/companies/v2/companies/paged", "companies", query)


async def get_recent_companies(run: Run) -> Items:
    """List companies that were created or changed lately."""
    path = "/companies/v2/companies/recent/" + await _recent(run)
    return await listed(run, path, "results", lambda scope: _query(scope, "properties"), "count")


async def get_recent_deals(run: Run) -> Items:
    """List deals that were created lately; in version 1 also those that were changed lately."""
    changed = (await run.scope(0)).parameters.get("operation") == "getRecentlyModified"
    path = "/deals/v1/deal/recent/" + ("modified" if changed else "created")
    return await listed(run, path, "results", deals_query, "count")


async def _recent(run: Run) -> str:
    operation = (await run.scope(0)).parameters.get("operation")
    return "created" if operation == "getRecentlyCreated" else "modified"


async def get_contacts(run: Run) -> Items:
    """List contacts."""
    path = "/contacts/v1/lists/all/contacts/all"
    return await listed(run, path, "contacts", lambda scope: contact_query(scope, "property"), "count")


async def get_recent_contacts(run: Run) -> Items:
    """List contacts that were created or changed lately."""
    path = "/contacts/v1/lists/recently_updated/contacts/recent"

    def query(scope: Scope) -> dict[str, Any]:
        return contact_query(scope, None if "propertiesCollection" in _options(scope) else "property")

    return await listed(run, path, "contacts", query, "count")


async def get_deals(run: Run) -> Items:
    """List deals."""

    def query(scope: Scope) -> dict[str, Any]:
        return _query(scope, "properties", "includeAssociations", "propertiesWithHistory")

    return await listed(run, "/deals/v1/deal/paged", "deals", query)


async def get_engagements(run: Run) -> Items:
    """List engagements."""
    return await listed(run, "/engagements/v1/engagements/paged", "results", lambda _scope: {})


async def get_tickets(run: Run) -> Items:
    """List tickets."""
    return await listed(run, "/crm-objects/v1/objects/tickets/paged", "objects", ticket_query, slices=True)


async def search_contacts(run: Run) -> Items:
    """Search contacts."""
    return await searched(run, "/crm/v3/objects/contacts/search", _filters)


async def search_deals(run: Run) -> Items:
    """Search deals."""
    return await searched(run, "/crm/v3/objects/deals/search", _filters)


async def search_companies(run: Run) -> Items:
    """Search companies by their domain."""

    def body(scope: Scope) -> dict[str, Any]:
        properties = (scope.parameters.get("options") or {}).get("properties")
        return {"requestOptions": {"properties": properties} if properties else {}}

    return await searched(run, Template("{$domain|path}"), body, carries=False)


def _filters(scope: Scope) -> dict[str, Any]:
    """Return order, conditions and further fields of a search."""
    given = scope.parameters.get("additionalFields") or {}
    sort = {"propertyName": given.get("sortBy") or "createdate", "direction": given.get("direction") or "DESCENDING"}
    body: dict[str, Any] = {"sorts": [sort]}
    groups = (scope.parameters.get("filterGroupsUi") or {}).get("filterGroupsValues")
    if groups is not None:
        body["filterGroups"] = [
            {"filters": [_filter(each) for each in group["filtersUi"].get("filterValues") or []]}
            for group in groups
            if group.get("filtersUi") or _is_needed(scope)
        ]
    return body | dict(given)


def _is_needed(scope: Scope) -> bool:
    """Return False: a group without conditions is left out. Raise NodeError from version 2 on, in which n8n's node fails on one."""
    if scope.version < _LOCATORS_SINCE:
        return False
    raise NodeError("filterValues is not iterable", description="Add a condition to the filter group, or remove it.")


def _filter(given: Mapping[str, Any]) -> dict[str, Any]:
    rest = {key: each for key, each in given.items() if key not in ("propertyName", "type")}
    if "propertyName" not in given:
        return rest
    return {"propertyName": js_string(given["propertyName"]).partition("|")[0], **rest}
