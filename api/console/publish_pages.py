"""Publishing by upload, and what the compiler says of an export before."""

from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.datastructures import FormMultiDict, UploadFile
from litestar.di import NamedDependency
from litestar.response import Redirect

from api.audit.middleware import name_object
from api.authentication import Principal
from api.console.pages import page
from api.console.problems import PAGE_HANDLERS
from api.console.session import console, read_form
from api.dependencies import Dependencies
from api.problems import BadRequest, DoesNotCompile, WebhookTaken
from api.templates import actions
from api.templates.addresses import export_name, template_key
from api.templates.compiling import compile_upload
from service.api_keys import KeyScope

__all__ = ["PublishPageController"]


class PublishPageController(Controller):
    """The form, and what becomes of it."""

    path = "/console/publish"
    include_in_schema = False
    exception_handlers = PAGE_HANDLERS

    @get("/", **console(KeyScope.PUBLISH), sync_to_thread=False)
    def show(self, request: Request[Principal, None, Any]) -> Response[bytes]:
        """Return the form."""
        return page(request, "publish", key="", description="", unsupported=False, problem=None, checked=None)

    @post("/", **console(KeyScope.PUBLISH, "template.publish"), status_code=200)
    async def publish(
        self, request: Request[Principal, None, Any], dependencies: NamedDependency[Dependencies]
    ) -> Response[Any]:
        """Publish the export, or check it. What is wrong with it is on the page. Raises as `publish_export`."""
        form = await read_form(request)
        key, description = str(form.get("key") or "").strip(), str(form.get("description") or "")[:2000]
        unsupported = bool(form.get("unsupported"))
        again: dict[str, Any] = {"key": key, "description": description, "unsupported": unsupported}
        try:
            body = await _export(form)
            key = key or template_key(export_name(body))
            name_object(request, "template", key)
            if form.get("do") == "check":
                checked, _ = await compile_upload(
                    request.user.tenant, body, key, dependencies, allow_unsupported=unsupported
                )
                return page(request, "publish", **again, problem=None, checked=checked)
            await actions.publish_export(
                request.user, key, body, dependencies, description=description, allow_unsupported=unsupported
            )
        except (BadRequest, DoesNotCompile, WebhookTaken) as problem:
            return page(request, "publish", problem.status, **again, problem=problem, checked=None)
        return Redirect(f"/console/templates/{key}", status_code=303)


async def _export(form: FormMultiDict) -> bytes:
    """Return the file that was chosen, or the text. Raises BadRequest: neither."""
    file = form.get("file")
    if isinstance(file, UploadFile):
        try:
            data = await file.read()
        finally:
            await file.close()
        if data:
            return data
    if text := str(form.get("text") or "").strip():
        return text.encode("utf-8", "replace")
    raise BadRequest("Choose the file of an export, or paste its text.")
