"""AWS Bedrock Chat Model."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from runtime.agents.dialects import bedrock
from runtime.agents.dialects.bedrock_stream import ConverseStream
from runtime.agents.dialects.chat import ModelAnswer, Request, post
from runtime.agents.models.chat_model import ChatModel
from runtime.contract import ActivityContext, Dynamic, NodeError, param
from runtime.values.json_text import NotJsonError, parse_json
from schemas.facts import CredentialUse

ADVICE = "use the credential of an access key (IAM)"
INFERENCE = {"maxTokensToSample": "maxTokens", "temperature": "temperature", "topP": "topP"}
"""Option of the node -> the API's name."""


class LmChatAwsBedrock(ChatModel):
    """The Converse API, signed with the tenant's access key."""

    type = "@n8n/n8n-nodes-langchain.lmChatAwsBedrock"
    versions = (1, 1.1, 1.2)
    credential_uses = (CredentialUse("aws", {"authentication": ["iam"]}),)
    credential = "aws"

    authentication: str = param("iam", unsupported={"assumeRole": ADVICE})
    model_source: str = param("onDemand", show={"@version": [1.1]})
    model: Dynamic[str] = param("")
    options: Dynamic[dict[str, Any]] = param({})

    async def ask(self, context: ActivityContext, request: Request) -> ModelAnswer:
        """POST one request, signed."""
        from runtime.http.signing import aws_v4  # noqa: PLC0415 - requests are for activities

        credential = await context.credentials.get("aws")
        options = {
            "temperature": request.settings.get("temperature"), "maxTokensToSample": request.settings.get("max_tokens"),
        } | dict(self.options or {})  # fmt: skip
        body = await bedrock.body(context, request)
        inference = {wire: options[name] for name, wire in INFERENCE.items() if options.get(name) is not None}
        body |= {"inferenceConfig": inference} if inference else {}
        body |= _extras(options)
        host = f"bedrock-runtime.{credential.get('region') or 'us-east-1'}.amazonaws.com"
        method = "converse" if request.hear is None else "converse-stream"
        answer = await post(
            context,
            f"https://{host}/model/{quote(self.model_id, safe='')}/{method}",
            body,
            {},
            timeout=float(options.get("timeout") or 60_000) / 1000,
            key=request.id,
            sign=lambda outgoing: aws_v4(outgoing, credential, context.now),
            stream=ConverseStream(),
            hear=request.hear,
        )
        return bedrock.read(answer, self.model_id)


def _extras(options: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    fields = options.get("additionalModelRequestFields")
    if isinstance(fields, str) and fields.strip():
        try:
            fields = parse_json(fields)
        except NotJsonError as error:
            raise NodeError(f"Additional Model Request Fields are no JSON: {error}") from error
    if fields:
        found["additionalModelRequestFields"] = fields
    if options.get("latency") == "optimized":
        found["performanceConfig"] = {"latency": "optimized"}
    guardrail = (options.get("guardrail") or {}).get("values") or {}
    if guardrail.get("guardrailIdentifier"):
        found["guardrailConfig"] = {
            "guardrailIdentifier": guardrail["guardrailIdentifier"],
            "guardrailVersion": guardrail.get("guardrailVersion") or "DRAFT",
            "trace": guardrail.get("trace") or "disabled",
        }
    return found
