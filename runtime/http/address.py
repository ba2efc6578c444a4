"""URLs as a WHATWG parser reads them, so far as HTTP needs it. Source: https://url.spec.whatwg.org."""

import re
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

_PATH_SAFE = "%/:=&~+!$,;'@()*[]|"
_QUERY_SAFE = "%/:=&?~+!$,;@()*[]|\\^`{}"
_C0_AND_SPACE = "".join(map(chr, range(0x21)))
_BAD_HOST = re.compile(r"[\x00-\x20#%/:<>?@\[\\\]^|]")
_IGNORED = re.compile(r"[\t\n\r]")
_ENCODED_DOT = re.compile("%2e", re.IGNORECASE)
_AFTER_AUTHORITY = re.compile(r"[/?]")
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
_MAX_HOST = 255
_MAX_PORT = 65535
_DEFAULT_PORTS = {"http": 80, "https": 443}


class InvalidUrlError(ValueError):
    """Raised for a URL that is not an absolute http(s) URL."""


def normalise(url: str) -> str:
    """Return the URL as it goes out: trimmed, percent-encoded, dots resolved, without fragment. Raise InvalidUrlError."""
    url = _IGNORED.sub("", url.strip(_C0_AND_SPACE))
    scheme, colon, rest = url.partition(":")
    scheme = scheme.lower()
    if not colon or scheme not in _DEFAULT_PORTS:
        raise InvalidUrlError("Invalid URL")
    before, _hash, _ = rest.partition("#")
    before, _question, query = before.partition("?")
    before = "//" + before.replace("\\", "/").lstrip("/")
    parts = _split(f"{scheme}:{before}")
    path = quote(_resolve(parts.path or "/"), safe=_PATH_SAFE)
    return f"{scheme}://{_authority(parts)}{path}" + (f"?{quote(query, safe=_QUERY_SAFE)}" if query else "")


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidUrlError("Invalid URL") from error
    if not parts.hostname or (port is not None and port > _MAX_PORT):
        raise InvalidUrlError("Invalid URL")
    return parts


def _authority(parts: SplitResult) -> str:
    host = unquote(parts.hostname or "")
    if ":" in host:
        host = f"[{host}]"
    else:
        host = _ascii(host)
        if _BAD_HOST.search(host):
            raise InvalidUrlError("Invalid URL")
    userinfo, at, _ = parts.netloc.rpartition("@")
    port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{userinfo}{at}{host}{port}"


def _ascii(host: str) -> str:
    if host.isascii():
        return host.lower()
    if len(host) > _MAX_HOST:  # longer than any name of DNS
        raise InvalidUrlError("Invalid URL")
    try:
        return host.encode("idna").decode()
    except UnicodeError as error:
        raise InvalidUrlError("Invalid URL") from error


def _resolve(path: str) -> str:
    """Remove `.` and `..` segments (RFC 3986, 5.2.4), their percent-encoded forms included."""
    out: list[str] = []
    segments = path.split("/")[1:]
    for i, segment in enumerate(segments):
        plain = _ENCODED_DOT.sub(".", segment)
        last = i == len(segments) - 1
        if plain == "..":
            del out[-1:]
        elif plain != ".":
            out.append(segment)
            continue
        if last:
            out.append("")
    return "/" + "/".join(out)


def split_userinfo(url: str) -> tuple[str, tuple[str, str] | None]:
    """Return a normalised URL without `user:password@`, and that pair, percent-decoded."""
    scheme, rest = url.split("://", 1)
    authority = _AFTER_AUTHORITY.split(rest, maxsplit=1)[0]
    userinfo, at, _ = authority.rpartition("@")
    if not at:
        return url, None
    user, _, password = userinfo.partition(":")
    return f"{scheme}://{rest[len(userinfo) + 1 :]}", (unquote(user), unquote(password))


def join(base: str, location: str) -> str:
    """Return where a `Location` header leads from `base`, normalised. Raise InvalidUrlError, with the scheme if it is
    another.
    """
    scheme = _SCHEME.match(location)
    if scheme and scheme[1].lower() not in _DEFAULT_PORTS:
        raise InvalidUrlError(f"Unsupported protocol {scheme[1].lower()}:")
    try:
        absolute = scheme is not None and location[scheme.end() :].startswith("//")
        return normalise(location if absolute else urljoin(base, location))
    except ValueError as error:
        raise InvalidUrlError("Invalid URL") from error


def origin(url: str) -> tuple[str, str]:
    """Return scheme and authority of a normalised URL."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc.rpartition("@")[2]


def is_same_host_or_below(url: str, other: str) -> bool:
    """Return whether `other` is the host of `url` or a subdomain of it: where a redirect keeps cookies and
    authorization.
    """
    first, second = origin(url), origin(other)
    if first[0] == "https" and second[0] != "https":
        return False
    return second[1] == first[1] or second[1].endswith("." + first[1])
