"""HTTP Request: call a URL once per item. One class per shape: 1 and 2 (old parameter names), 3 to 4.5."""

from runtime.nodes.http_request.v1 import HttpRequestV1, HttpRequestV2
from runtime.nodes.http_request.v3 import HttpRequest

__all__ = ["HttpRequest", "HttpRequestV1", "HttpRequestV2"]
