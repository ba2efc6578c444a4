"""Every handler of the console, for the application."""

from typing import Final

from litestar.types import ControllerRouterHandler

from api.console.agent_pages import AgentPageController
from api.console.answer_pages import AnswerPageController
from api.console.credential_pages import CredentialPageController
from api.console.failure_pages import FailurePageController
from api.console.figure_pages import FigurePageController
from api.console.files import FileController
from api.console.key_pages import KeyPageController
from api.console.oidc import OidcController
from api.console.pages import asset
from api.console.publish_pages import PublishPageController
from api.console.retry_pages import RetryPageController
from api.console.run_list import RunListController
from api.console.run_pages import RunPageController
from api.console.sign_in import SignInController, to_console
from api.console.template_pages import TemplatePageController
from api.console.tenant_pages import TenantPageController

__all__ = ["CONSOLE_HANDLERS"]

CONSOLE_HANDLERS: Final[tuple[ControllerRouterHandler, ...]] = (
    SignInController,
    OidcController,
    RunListController,
    RunPageController,
    RetryPageController,
    FileController,
    AnswerPageController,
    FailurePageController,
    FigurePageController,
    TemplatePageController,
    PublishPageController,
    AgentPageController,
    CredentialPageController,
    KeyPageController,
    TenantPageController,
    to_console,
    asset,
)
