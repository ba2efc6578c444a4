"""Write `oauth2_types.json` from a table of facts: `python -m runtime.http.import_oauth2_types TABLE`.

The table has a row per credential type (tab separated: type, grantType, authUrl, accessTokenUrl, scope, authentication,
authQueryParameters). Only facts are taken: addresses, names of scopes, how a client authenticates. A value that n8n computes
becomes holes: `{field}`, `{field|filter}`, or `{name}` of a choice; see `runtime.http.oauth2_types`.
"""

import csv
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

__all__ = ["FILE", "main", "read_types"]

FILE: Final = Path(__file__).with_name("oauth2_types.json")
_MICROSOFT: Final = "https://login.microsoftonline.com"
_COMPUTED: Final[Mapping[str, Mapping[str, Any]]] = {
    "databricksOAuth2Api": {
        "authUrl": "{host|base}/oidc/v1/authorize",
        "accessTokenUrl": "{host|base}/oidc/v1/token",
        "scope": "{scopes}",
        "choices": {
            "scopes": {"field": "grantType", "of": {"authorizationCode": "all-apis offline_access"}, "else": "all-apis"}
        },
    },
    "githubOAuth2Api": {
        "authUrl": "{web}/login/oauth/authorize",
        "accessTokenUrl": "{web}/login/oauth/access_token",
        "defaults": {"server": "https://api.github.com"},
        "choices": {
            "web": {
                "field": "server",
                "of": {"https://api.github.com": "https://github.com"},
                "else": "{server|origin}",
            }
        },
    },
    "gitlabOAuth2Api": {"defaults": {"server": "https://gitlab.com"}},
    "gristOAuth2Api": {
        "authUrl": "{url|root}/oidc/auth",
        "accessTokenUrl": "{url|root}/oidc/token",
        "scope": "offline_access doc:read doc:write",
    },
    "linearOAuth2Api": {
        "scope": "read write issues:create comments:create{admin}{mention}",
        "authQueryParameters": "actor={actor}",
        "defaults": {"actor": "user"},
        "choices": {
            "admin": {"field": "includeAdminScope", "of": {"true": " admin"}, "else": ""},
            "mention": {"field": "actor", "of": {"app": " app:mentionable"}, "else": ""},
        },
    },
    "linkedInOAuth2Api": {
        "scope": "w_member_social{organization}{profile}",
        "choices": {
            "organization": {"field": "organizationSupport", "of": {"true": ",w_organization_social"}, "else": ""},
            "profile": {
                "field": "legacy",
                "of": {"true": ",r_liteprofile,r_emailaddress"},
                "else": ",profile,email,openid",
            },
        },
    },
    "mauticOAuth2Api": {
        "authUrl": "{url|base}/oauth/v2/authorize",
        "accessTokenUrl": "{url|base}/oauth/v2/token",
    },
    "microsoftAzureMonitorOAuth2Api": {
        "accessTokenUrl": _MICROSOFT + "/{tenantId}/oauth2/{version}token",
        "scope": "{scopes}",
        "authQueryParameters": "{resources}",
        "defaults": {"tenantId": "common", "resource": "https://api.loganalytics.io"},
        "choices": {
            "version": {"field": "grantType", "of": {"clientCredentials": "v2.0/"}, "else": ""},
            "scopes": {"field": "grantType", "of": {"clientCredentials": "{resource|base}/.default"}, "else": ""},
            "resources": {"field": "grantType", "of": {"clientCredentials": ""}, "else": "resource={resource|base}"},
        },
    },
    "microsoftDataverseOAuth2Api": {
        "authUrl": "{login}/{tenantId}/oauth2/v2.0/authorize",
        "accessTokenUrl": "{login}/{tenantId}/oauth2/v2.0/token",
        "scope": "{environmentUrl|base}/.default{offline}",
        "choices": {
            "login": {
                "field": "cloud",
                "of": {
                    "china": "https://login.partner.microsoftonline.cn",
                    "usgov": "https://login.microsoftonline.us",
                    "dod": "https://login.microsoftonline.us",
                },
                "else": _MICROSOFT,
            },
            "offline": {"field": "grantType", "of": {"clientCredentials": ""}, "else": " offline_access"},
        },
    },
    "microsoftDynamicsOAuth2Api": {
        "scope": "openid offline_access https://{subdomain}.{region}/.default",
        "defaults": {"region": "crm.dynamics.com"},
    },
    "microsoftSharePointOAuth2Api": {"scope": "openid offline_access https://{subdomain}.sharepoint.com/.default"},
    "philipsHueOAuth2Api": {"authQueryParameters": "appid={appId}"},
    "salesforceOAuth2Api": {
        "authUrl": "https://{login}.salesforce.com/services/oauth2/authorize?prompt=login",
        "accessTokenUrl": "https://{login}.salesforce.com/services/oauth2/token",
        "choices": {"login": {"field": "environment", "of": {"sandbox": "test"}, "else": "login"}},
    },
    "slackManagerOAuth2Api": {
        "authQueryParameters": "user_scope=app_configurations:read app_configurations:write managed_apps:install"
    },
    "slackOAuth2Api": {
        "authQueryParameters": "user_scope={scopes}",
        "choices": {"scopes": {"field": "customScopes", "of": {"true": "{userScope|text}"}, "else": ""}},
    },
    "webflowOAuth2Api": {
        "scope": "{scopes}",
        "choices": {
            "scopes": {"field": "legacy", "of": {"true": ""}, "else": "cms:read cms:write sites:read forms:read"}
        },
    },
    "azureEntraCognitiveServicesOAuth2Api": {"defaults": {"tenantId": "common"}},
}
"""What n8n computes with more than a field in a text."""
_PKCE_HOSTS: Final = (
    "accounts.google.com", "login.microsoftonline.com", "github.com", "{web}", "{server|base}", "discord.com", "www.dropbox.com",
    "accounts.spotify.com", "zoom.us", "linear.app", "{login}.salesforce.com", "{login}", "airtable.com",
)  # fmt: skip
"""Authorization servers that document PKCE (RFC 7636), beside those that demand it."""
_OWN_SCOPES: Final = re.compile(
    r'=\{\{\s*\(?\$self(?:\.customScopes|\["customScopes"\])[^?]*\?\s*\$self(?:\.enabledScopes|\["enabledScopes"\])\s*:\s*"([^"]*)"\s*\}\}'
)
_FIELD: Final = re.compile(r'\{\{\s*\$self\["(\w+)"\]\s*\}\}')
_USER_SCOPES: Final = re.compile(r'"user_scope=([^"]+)"\s*\}\}$')


def read_types(table: Path) -> dict[str, dict[str, Any]]:
    """Return the types of a table by name.

    Raises:
        ValueError: a value is computed in a way that this script does not know.
    """
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return {row["type"]: _entry(row) for row in rows}


def _entry(row: Mapping[str, str]) -> dict[str, Any]:
    computed = dict(_COMPUTED.get(row["type"], {}))
    if row["type"] == "slackOAuth2Api" and (own := _USER_SCOPES.search(row["authQueryParameters"])):
        computed["choices"] = {"scopes": {**computed["choices"]["scopes"], "else": own[1]}}
    entry: dict[str, Any] = {}
    for name in ("grantType", "authUrl", "accessTokenUrl", "scope", "authentication", "authQueryParameters"):
        value = computed.pop(name, None)
        if value is None and row[name]:
            value = _value(row["type"], name, row[name])
        if value:
            entry[name] = value
    host = str(entry.get("authUrl", "")).removeprefix("https://").split("/")[0]
    if entry["grantType"] == "pkce" or host in _PKCE_HOSTS:
        entry["pkce"] = True
    return entry | computed


def _value(type_: str, name: str, text: str) -> str:
    if not text.startswith("="):
        return text
    if (own := _OWN_SCOPES.fullmatch(text)) is not None:
        return own[1]
    filled = _FIELD.sub(lambda match: "{" + match[1] + ("|base}" if match.start() == 1 else "}"), text)[1:]
    if "{{" in filled or "$self" in filled:
        raise ValueError(f"{type_}: {name} is computed; add it to _COMPUTED: {text}")
    return filled


def main() -> None:
    """Write the file. Raise SystemExit with a message."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m runtime.http.import_oauth2_types TABLE")
    try:
        types = read_types(Path(sys.argv[1]))
    except (OSError, ValueError) as error:
        raise SystemExit(str(error)) from None
    FILE.write_text(json.dumps(types, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
