"""HTTP as n8n's nodes do it, without the sending: requests to bytes, bytes to values, credentials, redirects, failures.

Everything here is pure, so that one REST descriptor node and the HTTP Request node share it. The sending is an argument.
"""

from runtime.http.address import InvalidUrlError, join, normalise, split_userinfo
from runtime.http.body import Bytes, Form, Json, Multipart, Part
from runtime.http.exchange import Answer, Sender, TooManyRedirectsError, UnsupportedRedirectError, exchange
from runtime.http.failure import TLS_MESSAGE, Failure, certificate_failure, connection_failure, status_failure
from runtime.http.query import ArrayFormat, encode_component, parse_form, stringify
from runtime.http.request import ACCEPT_ANY, ACCEPT_JSON, ACCEPT_TEXT, InvalidTokenError, Request

__all__ = [
    "ACCEPT_ANY",
    "ACCEPT_JSON",
    "ACCEPT_TEXT",
    "TLS_MESSAGE",
    "Answer",
    "ArrayFormat",
    "Bytes",
    "Failure",
    "Form",
    "InvalidTokenError",
    "InvalidUrlError",
    "Json",
    "Multipart",
    "Part",
    "Request",
    "Sender",
    "TooManyRedirectsError",
    "UnsupportedRedirectError",
    "certificate_failure",
    "connection_failure",
    "encode_component",
    "exchange",
    "join",
    "normalise",
    "parse_form",
    "split_userinfo",
    "status_failure",
    "stringify",
]
