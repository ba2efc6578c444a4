"""Stand-ins of every vendor that the templates call: they check who asks and what, and answer in the vendors' own shapes."""

import base64
import json
import re
from collections.abc import Mapping, Sequence
from email.message import EmailMessage
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from runtime.contract import AwaitSignal, HttpResponse
from runtime.hosts.local.host import LocalHost
from runtime.hosts.local.offline import OfflineCapabilities

PICTURE: Final = base64.b64encode(b"\x89PNG sample").decode()
SHEETS: Final = {
    "AUDIENCE_SPREADSHEET_ID": [
        ["email", "name", "consent"],
        *([f"r{i}@example.org", f"R{i}", "yes"] for i in range(12)),
    ],
    "PROSPECTS_SPREADSHEET_ID": [
        ["name", "profile_url", "profile", "kind", "state"],
        ["Ann", "https://www.linkedin.com/in/ann-sample", "Dispatcher", "message", "new"],
    ],
}
"""Values by spreadsheet; others have the headers alone."""
AUTHORIZED: Final = {
    "api.hubapi.com": "Bearer token of hubspotAppToken",
    "slack.com": "Bearer token of slackApi",
    "api.openai.com": "Bearer token of openAiApi",
    "api.linkedin.com": "Bearer token of linkedInOAuth2Api",
    "sheets.googleapis.com": "Bearer token of googleSheetsOAuth2Api",
    "www.googleapis.com": "Bearer token of googleCalendarOAuth2Api",
    "googleads.googleapis.com": "Bearer token of googleAdsOAuth2Api",
    "api.stripe.com": "Bearer token of stripeApi",
    "api.sendgrid.com": "Bearer token of sendGridApi",
    "api.x.com": "Bearer token of twitterOAuth2Api",
    "sample.zendesk.com": "Basic " + base64.b64encode(b"agent@example.com/token:token of zendeskApi").decode(),
    "www.example.com": "Basic " + base64.b64encode(b"user:token of wordpressApi").decode(),
}
"""The Authorization header that a host insists on."""


def credential(type_: str) -> dict[str, Any]:
    """A credential with whatever fields types have."""
    token = f"token of {type_}"
    urls = {"openAiApi": "https://api.openai.com/v1", "wordpressApi": "https://www.example.com"}
    names = ("accessToken", "apiKey", "apiToken", "appToken", "secretKey", "password", "refreshToken", "clientSecret")
    fixed = {
        "name": "X-Key", "value": token, "username": "user", "email": "agent@example.com", "subdomain": "sample",
        "clientId": "client", "region": "eu", "developerToken": token, "url": urls.get(type_, ""),
    }  # fmt: skip
    return {**dict.fromkeys(names, token), **fixed, "oauthTokenData": {"access_token": token}}


class Vendors(OfflineCapabilities):
    """The world of one run. `refuses`: hosts that answer every request with status 500."""

    def __init__(self, export: Mapping[str, Any], refuses: Sequence[str] = ()) -> None:
        super().__init__(http=self, credentials=self, mail=self)
        pins = export["pinData"]
        agents = [each["name"] for each in export["nodes"] if each["type"].endswith(".agent")]
        self.answers = [pins[name][0]["json"]["output"] for name in agents]
        self.refuses = refuses
        self.requests: list[tuple[str, str, Any]] = []
        self.mails: list[tuple[Sequence[str], str, str]] = []
        self.unknown: list[str] = []
        """Requests that no vendor knows: a template that leaves out what fails would hide them."""

    async def get(self, type_: str, item: int = 0, *, restricted: bool = False) -> Mapping[str, Any]:
        """Whatever is asked for."""
        del item, restricted
        return credential(type_)

    async def send(
        self, sender: str, recipients: Sequence[str], message: EmailMessage, **options: Any
    ) -> dict[str, Any]:
        """Keep the mail: recipients, subject, text."""
        del sender, options
        part = message.get_body(("plain",))
        self.mails.append((recipients, str(message["Subject"]), part.get_content() if part else ""))
        return {"accepted": list(recipients), "messageId": str(len(self.mails))}

    async def request(self, method: str, url: str, **options: Any) -> HttpResponse:
        """Check the request, keep it, and answer."""
        content = options.get("content")
        if content is not None and not isinstance(content, bytes):
            content = b"".join([chunk async for chunk in content])
        headers = {name.lower(): value for name, value in options.get("headers") or ()}
        parts = urlsplit(url)
        host, path, query = parts.netloc, parts.path, parse_qs(parts.query)
        body = _body(content, headers.get("content-type", ""))
        self.requests.append((method, url, body))
        if host in self.refuses:
            return _response(url, 500, {"message": "out of order"})
        if host in AUTHORIZED and headers.get("authorization") != AUTHORIZED[host]:
            return _response(url, 401, {"message": f"Who asks? {headers.get('authorization')}"})
        answer = self.answer(method, host, path, query, body, headers)
        if answer is None:
            self.unknown.append(f"{method} {url}")
            return _response(url, 404, {"message": f"No {method} {path} here"})
        status, content_ = answer if isinstance(answer, tuple) else (200, answer)
        return _response(url, status, content_)

    def answer(
        self, method: str, host: str, path: str, query: Mapping[str, Any], body: Any, headers: Mapping[str, str]
    ) -> Any:
        """What the vendor says: a body, (status, body), or None for what it does not have."""
        if host == "api.openai.com":
            return _picture(body) if path.endswith("/images/generations") else self._model(body)
        if host.endswith("amazon.com"):
            return _amazon(host, path, body, headers)
        for pattern, answer in ROUTES.items():
            if re.fullmatch(pattern, f"{method} {host}{path}"):
                return answer(path, query, body) if callable(answer) else answer
        return None

    def _model(self, body: Any) -> Any:
        function = body["tools"][-1]["function"]
        asked = json.dumps(function["parameters"])
        fits = (each for each in self.answers if all(f'"{name}"' in asked for name in each))
        arguments = json.dumps({"output": next(fits)})
        call = {"id": "1", "type": "function", "function": {"name": function["name"], "arguments": arguments}}
        message = {"role": "assistant", "content": "", "tool_calls": [call]}
        return {"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}], "usage": {}}


class People(LocalHost):
    """A host whose people answer each question at once, as the pinned data says, and where nobody waits."""

    def __init__(self, *args: Any, pins: Mapping[str, Any], **options: Any) -> None:
        super().__init__(*args, **options)
        self.pins = pins

    async def signal(self, step: str, run_index: int, command: AwaitSignal, *_: Any) -> Any:
        """The answer in the pinned data of the step; None: nobody answers."""
        del run_index, command
        data = self.pins[step][0]["json"].get("data")
        return None if data is None else [{"json": data}]


def _body(content: bytes | None, type_: str) -> Any:
    if not content:
        return None
    if "json" in type_:
        return json.loads(content)
    return content.decode("utf-8", "replace")


def _response(url: str, status: int, content: Any) -> HttpResponse:
    text = content if isinstance(content, str) else json.dumps(content)
    type_ = (
        "text/html" if text.startswith("<html") else "application/xml" if text.startswith("<") else "application/json"
    )
    headers = [("content-type", type_), ("x-restli-id", "urn:li:share:1")]
    return HttpResponse(status, "OK" if status < 400 else "Error", headers, text.encode(), url)


def _picture(body: Any) -> Any:
    return {"data": [{"b64_json": PICTURE}]} if body.get("prompt") else (400, {"message": "no prompt"})


def _amazon(host: str, path: str, body: Any, headers: Mapping[str, str]) -> Any:
    if host == "api.amazon.com":
        known = "refresh_token=token%20of%20amazonSellingPartnerApi" in str(body)
        return {"access_token": "lwa"} if known else (400, {"error": "invalid_grant"})
    if headers.get("x-amz-access-token") != "lwa":
        return 403, {"errors": [{"message": "Access to requested resource is denied."}]}
    prices = {"B0HOOK0001": 21.9, "B0MIDT0001": 44.0, "B0HERO0001": 98.5}
    if path == "/catalog/2022-04-01/items":
        return {"items": [_product(asin, rank) for asin, rank in zip(prices, (900, 2400, 8200), strict=True)]}
    if path.endswith("/competitivePrice"):
        return {"payload": [_price(asin, price) for asin, price in prices.items()]}
    if path.endswith("/feesEstimate"):
        fees = {"Amount": 6.2, "CurrencyCode": "EUR"}
        return [
            {"FeesEstimateIdentifier": {"IdValue": each["IdValue"]}, "FeesEstimate": {"TotalFeesEstimate": fees}}
            for each in body
        ]
    return None


def _product(asin: str, rank: int) -> dict[str, Any]:
    return {"asin": asin, "summaries": [{"itemName": asin}], "salesRanks": [{"displayGroupRanks": [{"rank": rank}]}]}


def _price(asin: str, price: float) -> dict[str, Any]:
    landed = {"Price": {"LandedPrice": {"Amount": price}}}
    return {"ASIN": asin, "Product": {"CompetitivePricing": {"CompetitivePrices": [landed]}}}


def _sheet(path: str, query: Any, body: Any) -> Any:
    del query, body
    id_ = path.split("/")[3]
    names = ("Audience", "Prospects", "Short list", "Research", "Changes")
    if "/values" in path:
        return {"range": path.rpartition("/")[2], "values": SHEETS.get(id_, [["asin", "product"]])}
    grid = {"rowCount": 1000, "columnCount": 26}
    sheets = [{"properties": {"sheetId": i, "title": name, "gridProperties": grid}} for i, name in enumerate(names)]
    return {"spreadsheetId": id_, "sheets": sheets}


def _post(path: str, query: Any, body: Any) -> Any:
    del path, query
    return (201, "") if body["commentary"] and body["author"] == "urn:li:organization:12345" else (400, {})


def _slack(path: str, query: Any, body: Any) -> Any:
    del path, query
    told = bool(body.get("channel")) and bool(body.get("text") or body.get("blocks"))
    return {"ok": True, "ts": "1.2", "channel": "C1"} if told else {"ok": False, "error": "no_text"}


def _stripe_invoice(path: str, query: Any, body: Any) -> Any:
    del query, body
    return {"id": path.rpartition("/")[2], "status": "open"}


def _campaigns(path: str, query: Any, body: Any) -> Any:
    del path, query
    row = {
        "campaign": {"id": "12", "name": "Slot planner"},
        "metrics": {"costMicros": "700000000", "conversions": 10, "interactions": "900"},
        "campaignBudget": {"amountMicros": "100000000"},
    }
    return {"results": [row]} if "from campaign" in body["query"] else (400, {})


def _insights(path: str, query: Any, body: Any) -> Any:
    del path, body
    lead = {"action_type": "lead", "value": "11"}
    row = {"adset_id": "9001", "adset_name": "Lookalike", "spend": "350", "clicks": "800", "actions": [lead]}
    return {"data": [row]} if query.get("access_token") else (401, {})


TICKET: Final = {"ticket": {"id": 4711, "status": "pending"}}
FEED: Final = (
    '<?xml version="1.0"?><rss version="2.0"><channel><title>N</title><item><title>Slot booking</title>'
    "<link>https://news.example.com/a</link><description>Two terminals</description></item></channel></rss>"
)
PAGE: Final = "<html><head><title>Lights</title></head><body><h1>12 lights</h1><p>From 15 euros</p></body></html>"
ARTICLE: Final = {"id": 9, "title": "A slot", "body": "<p>Filters</p>", "html_url": "https://sample.zendesk.com/9"}
ROUTES: Final[Mapping[str, Any]] = {
    r"POST api\.hubapi\.com/crm/v3/objects/contacts/search": {"total": 0, "results": []},
    r"POST api\.hubapi\.com/contacts/v1/contact/createOrUpdate/email/.+": {"vid": 101, "isNew": True},
    r"GET api\.hubapi\.com/contacts/v1/contact/vid/101/profile": {"vid": 101},
    r"POST slack\.com/api/chat\.postMessage": _slack,
    r"GET slack\.com/api/.+": {"ok": True, "channels": [], "user": {"id": "U1"}},
    r"POST api\.linkedin\.com/rest/posts": _post,
    r"GET api\.linkedin\.com/rest/socialActions/.+": {"likesSummary": {"totalLikes": 2}},
    r"\w+ sheets\.googleapis\.com/v4/spreadsheets/.+": _sheet,
    r"GET www\.googleapis\.com/calendar/v3/calendars/.+/events": {"items": [{"id": "ev", "summary": "Call"}]},
    r"POST googleads\.googleapis\.com/v\d+/customers/\d+/googleAds:search": _campaigns,
    r"GET graph\.facebook\.com/v[\d.]+/act_1234567890/insights": _insights,
    r"GET graph\.facebook\.com/v[\d.]+/act_1234567890/adsets": {"data": [{"id": "9001", "daily_budget": "5000"}]},
    r"POST graph\.facebook\.com/v[\d.]+/9001": {"success": True},
    r"GET api\.stripe\.com/v1/invoices/.+": _stripe_invoice,
    r"POST api\.stripe\.com/v1/subscriptions/.+": {"id": "sub_sample_1"},
    r"POST api\.sendgrid\.com/v3/mail/send": (202, ""),
    r"GET api\.sendgrid\.com/v3/categories/stats": [
        {"stats": [{"name": "spring-2027-b", "metrics": {"unique_clicks": 1, "delivered": 1}}]}
    ],
    r"GET api\.sendgrid\.com/v3/suppression/bounces": [{"email": "r5@example.org", "reason": "550"}],
    r"POST api\.x\.com/2/tweets": (201, {"data": {"id": "1"}}),
    r"POST sample\.zendesk\.com/api/v2/tickets\.json": (201, TICKET),
    r"\w+ sample\.zendesk\.com/api/v2/tickets/4711\.json": TICKET,
    r"GET sample\.zendesk\.com/api/v2/help_center/articles/search\.json": {"results": [ARTICLE]},
    r"POST www\.example\.com/wp-json/wp/v2/posts(/501)?": (201, {"id": 501, "link": "https://www.example.com/a"}),
    r"POST www\.example\.com/wp-json/wp/v2/media": (201, {"id": 77}),
    r"GET serpapi\.com/search\.json": {"organic_results": [{"title": "L", "link": "https://shop.example/l"}]},
    r"GET shop\.example/l": PAGE,
    r"GET news\.example\.com/logistics\.rss": FEED,
    r"GET api\.example\.com/customers/.+/activity": {"logins": 3, "core_actions": 5},
}
"""`METHOD host/path` -> what it answers."""
