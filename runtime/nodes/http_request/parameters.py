"""The parameters of HTTP Request 3 to 4.5."""

from typing import Any, Literal

from runtime.contract import Activity, Dynamic, param

Pair = list[dict[str, Any]]
_NO_PAIRS: dict[str, Pair] = {"parameters": [{"name": "", "value": ""}]}
_BODY = {"sendBody": [True]}


class HttpRequestParameters(Activity):
    """The fields that the builders of URL, query, headers and body read."""

    curl_import: str = param("")
    method: Dynamic[str] = param("GET")
    url: Dynamic[str] = param("", required=True, label="URL")
    authentication: Literal["none", "predefinedCredentialType", "genericCredentialType"] = param("none")
    node_credential_type: str = param("", show={"authentication": ["predefinedCredentialType"]})
    generic_auth_type: Dynamic[str] = param("", show={"authentication": ["genericCredentialType"]})
    provide_ssl_certificates: Dynamic[bool] = param(False)
    ssl_certificate: str = param("", show={"provideSslCertificates": [True]})
    send_query: bool = param(False)
    specify_query: Dynamic[Literal["keypair", "json"]] = param("keypair", show={"sendQuery": [True]})
    query_parameters: Dynamic[dict[str, Pair]] = param(
        _NO_PAIRS, show={"sendQuery": [True], "specifyQuery": ["keypair"]}
    )
    json_query: Dynamic[Any] = param("", show={"sendQuery": [True], "specifyQuery": ["json"]})
    send_headers: bool = param(False)
    specify_headers: Dynamic[Literal["keypair", "json"]] = param("keypair", show={"sendHeaders": [True]})
    header_parameters: Dynamic[dict[str, Pair]] = param(
        _NO_PAIRS, show={"sendHeaders": [True], "specifyHeaders": ["keypair"]}
    )
    json_headers: Dynamic[Any] = param("", show={"sendHeaders": [True], "specifyHeaders": ["json"]})
    send_body: bool = param(False)
    content_type: Dynamic[str] = param("json", show=_BODY)
    specify_json: Dynamic[Literal["keypair", "json"]] = param(
        "keypair", alias="specifyBody", show=_BODY | {"contentType": ["json"]}
    )
    specify_form: Dynamic[Literal["keypair", "string"]] = param(
        "keypair", alias="specifyBody", show=_BODY | {"contentType": ["form-urlencoded"]}
    )
    json_pairs: Dynamic[dict[str, Pair]] = param(
        _NO_PAIRS, alias="bodyParameters", show=_BODY | {"contentType": ["json"], "specifyBody": ["keypair"]}
    )
    json_body: Dynamic[Any] = param("", show=_BODY | {"contentType": ["json"], "specifyBody": ["json"]})
    multipart_pairs: Dynamic[dict[str, Pair]] = param(
        _NO_PAIRS, alias="bodyParameters", show=_BODY | {"contentType": ["multipart-form-data"]}
    )
    form_pairs: Dynamic[dict[str, Pair]] = param(
        _NO_PAIRS, alias="bodyParameters", show=_BODY | {"contentType": ["form-urlencoded"], "specifyBody": ["keypair"]}
    )
    form_text: Dynamic[str] = param("", alias="body", show=_BODY | {"specifyBody": ["string"]})
    input_data_field_name: Dynamic[str] = param("", show=_BODY | {"contentType": ["binaryData"]})
    raw_content_type: Dynamic[str] = param("", show=_BODY | {"contentType": ["raw"]})
    raw_body: Dynamic[Any] = param("", alias="body", show=_BODY | {"contentType": ["raw"]})
    options: Dynamic[dict[str, Any]] = param({})
    info_message: str = param("")
