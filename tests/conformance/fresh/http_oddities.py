"""What makes a fresh request odd: time limits, proxies, redirects to elsewhere, tries, odd methods, addresses and headers."""

import random
from typing import Any, Final

from tests.conformance.fresh.web import BASE, CLOSED, OTHER_HOST

__all__ = ["FLAGS", "be_odd", "odd_path"]

Json = dict[str, Any]

FLAGS: Final[tuple[Json, ...]] = (
    {"onError": "continueRegularOutput"}, {"onError": "continueErrorOutput"}, {"alwaysOutputData": True}, {"executeOnce": True},
    {"continueOnFail": True}, {"retryOnFail": True, "maxTries": 2, "waitBetweenTries": 0},
    {"retryOnFail": True, "maxTries": 3, "waitBetweenTries": 0, "onError": "continueRegularOutput"},
    {"retryOnFail": True, "maxTries": 2, "waitBetweenTries": 0, "onError": "continueErrorOutput", "alwaysOutputData": True},
)  # fmt: skip
"""Settings of the node."""
_PATHS: Final = (
    "echo//x", "echo/../echo/./y", "echo/%7Bx%7D%zz", "echo/a+b?c=d+e", "echo?q=ä&r=%C3%A4", 'echo?q="<x>"', "echo/{{ $json.t }}", " echo ",
    "echo?", "echo#", "echo?a[]=1&a[]=2", "echo/x\\y", "echo/;a=b/,c", "echo?x={{ JSON.stringify($json) }}", "echo/'q'?p='q'", "echo?a=b=c&&d",
)  # fmt: skip
_SECRETLESS: Final = ("redirect/302/echo?to=other", "redirect/307/echo?to=other", "redirect/301/echo?to=relative", "redirect/302/echo?to=none",
                      "redirect/302/echo?to=ftp", "redirect/302/echo?to=broken", "redirect/308/echo?to=query")  # fmt: skip


def odd_path(draw: random.Random) -> str:
    """Return a path with its query."""
    return draw.choice((*_PATHS, *_SECRETLESS, f"slow/{draw.choice((0, 900))}/echo"))


def be_odd(draw: random.Random, version: float, base: str, parameters: Json, options: Json) -> None:
    """Change one thing of a request in place; `base` is the address of the case."""
    old = version < 3
    kind = draw.choice(("timeout", "proxy", "method", "certificate", "host", "headers", "format", "url"))
    if kind == "timeout":
        options["timeout"] = draw.choice((300, 5000, 0, 300))
        parameters["url"] = f"{base}/slow/{draw.choice((0, 900, 900))}/echo"
    elif kind == "proxy":
        options["proxy"] = draw.choice(
            (BASE, f"http://{CLOSED}", "", BASE, f"http://u:p@{BASE.removeprefix('http://')}")
        )
    elif kind == "method":
        parameters["requestMethod" if old else "method"] = draw.choice(
            ("GET", "={{ 'post' }}", "=PUT", "={{ 'Purge' }}", "={{ undefined }}")
        )
    elif kind == "certificate":
        if old:
            parameters["allowUnauthorizedCerts"] = True
        else:
            options["allowUnauthorizedCerts"] = True
    elif kind == "host":
        parameters["url"] = str(parameters["url"]).replace(
            BASE, draw.choice((OTHER_HOST, BASE.replace("http:", "HTTP:"), f"  {BASE}")), 1
        )
    elif kind == "headers":
        _odd_headers(draw, parameters, old=old)
    elif kind == "format" and not old:
        options["response"] = {"response": {"responseFormat": draw.choice(("json", "text", "file", "={{ 'text' }}", "={{ 'nope' }}")),
                                            "fullResponse": draw.choice((True, False, "={{ $json.id === 1 }}"))}}  # fmt: skip
    else:
        parameters["url"] = f"{base}/{draw.choice(_PATHS).split('{{')[0]}"


def _odd_headers(draw: random.Random, parameters: Json, *, old: bool) -> None:
    pairs = [
        {"name": draw.choice(("X-A", "x-a", "Cookie", "User-Agent", "Authorization", "accept", "CONTENT-TYPE", "X-Ä")),
         "value": draw.choice(("1", "2", "a, b", "={{ $json.t }}", "={{ [1, 'x'] }}", "é\u20ac", "text/plain", "application/json", "={{ false }}"))}
        for _ in range(draw.randint(1, 3))
    ]  # fmt: skip
    if old:
        parameters["headerParametersUi"] = {"parameter": pairs}
    else:
        parameters |= {"sendHeaders": True, "headerParameters": {"parameters": pairs}}
        parameters.pop("specifyHeaders", None)
