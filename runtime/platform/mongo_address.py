"""The address of a MongoDB server by its credential: a connection string, with the options alone that reach no file and no key of
the worker's.
"""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote_plus

from schemas.sql import DatabaseError

__all__ = ["address_of"]

_OPTIONS: Final = frozenset(
    {
        "appname", "authmechanism", "authsource", "connecttimeoutms", "directconnection", "heartbeatfrequencyms", "journal",
        "loadbalanced", "localthresholdms", "maxidletimems", "maxpoolsize", "maxstalenessseconds", "minpoolsize", "readconcernlevel",
        "readpreference", "readpreferencetags", "replicaset", "retryreads", "retrywrites", "serverselectiontimeoutms",
        "sockettimeoutms", "srvmaxhosts", "srvservicename", "ssl", "tls", "tlsallowinvalidcertificates",
        "tlsallowinvalidhostnames", "tlsinsecure", "uuidrepresentation", "w", "waitqueuetimeoutms", "wtimeoutms",
    }
)  # fmt: skip
"""Others name files of the worker, read its environment for keys, or unpack what the server compressed."""
_SCHEME: Final = re.compile(r"mongodb(\+srv)?://")
_NO_HOST: Final = re.compile(r"[/?#@,\s]")
_SEPARATOR: Final = re.compile("[&;]")
_MECHANISMS: Final = frozenset({"DEFAULT", "SCRAM-SHA-1", "SCRAM-SHA-256"})


def address_of(server: Mapping[str, Any]) -> str:
    """Return the connection string of a `mongoDb` credential. Raise DatabaseError."""
    if server.get("configurationType") == "connectionString":
        address = str(server.get("connectionString") or "").strip()
        if not _SCHEME.match(address):
            raise DatabaseError(
                'Invalid scheme, expected connection string to start with "mongodb://" or "mongodb+srv://"'
            )
        _check(address)
        return address
    user, password = (quote_plus(str(server.get(name) or "")) for name in ("user", "password"))
    login = f"{user}:{password}@" if user else ""
    host, port = str(server.get("host") or "localhost"), server.get("port")
    if _NO_HOST.search(host):
        raise DatabaseError("The host of the credential is no host name")
    return f"mongodb://{login}{host}:{port}" if port else f"mongodb+srv://{login}{host}"


def _check(address: str) -> None:
    for each in _SEPARATOR.split(address.partition("?")[2]):
        name, _, value = each.partition("=")
        if name and name.lower() not in _OPTIONS:
            raise DatabaseError(f"The option {name[:60]} of the connection string is not supported", hint="Remove it")
        if name.lower() == "authmechanism" and value not in _MECHANISMS:
            raise DatabaseError(f"The login {value[:60]} is not supported", hint="Log in by user and password (SCRAM)")
