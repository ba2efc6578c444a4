"""Requests to Vault, through hvac: how a process logs in, with which token it asks for a tenant, and what it says when Vault refuses."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeVar

import hvac
import requests
from hvac.api.auth_methods import Kubernetes
from hvac.exceptions import Forbidden, InvalidPath, InvalidRequest, Unauthorized, VaultError

from runtime.platform.credentials import CredentialsUnavailable
from runtime.platform.postgres import SHARED
from runtime.platform.settings import Settings

__all__ = ["VaultClients", "VaultLogin", "VaultPathMissing", "VaultRequest", "VaultVersionChanged", "vault_clients"]

T = TypeVar("T")
VaultRequest = Callable[[hvac.Client], T]
"""Asks the client that it is given, and returns the answer."""
TIMEOUT_SECONDS: Final = 10
TENANT: Final = "{tenant}"
"""What stands for the tenant in the name of a role."""
OPERATOR: Final = "_operator"
"""What stands there for the operator, whose templates are everybody's: no tenant's id begins with `_`."""
NO_ENGINE: Final = "no handler for route"
"""How Vault says that nothing is mounted where a request goes."""
MAX_CLIENTS: Final = 256
"""Tenants with a role of their own whose tokens are kept at a time."""


class VaultPathMissing(Exception):
    """There is nothing at the path of a request."""


class VaultVersionChanged(Exception):
    """Somebody else wrote at the path meanwhile."""


@dataclass(frozen=True)
class VaultLogin:
    """How to log in to Vault. With `{tenant}` in its name there is a role for each tenant, whose policy opens that tenant's
    credentials only.
    """

    method: Literal["approle", "jwt", "kubernetes"]
    role: str
    """Name of the role; of an AppRole its role id."""
    secret: Callable[[], str]
    """Return the secret id, or the JSON web token, read anew for each login: Kubernetes replaces its tokens."""
    mount: str | None = None
    """Path of the auth method, if it is not its name."""

    @property
    def per_tenant(self) -> bool:
        """Whether each tenant has a role of its own."""
        return TENANT in self.role

    def log_in(self, client: hvac.Client, tenant: str) -> None:
        """Give the client a token for a tenant. Raise what hvac raises, and OSError for a file that cannot be read."""
        role = self.role.replace(TENANT, OPERATOR if tenant == SHARED else tenant)
        mount, secret = self.mount or self.method, self.secret()
        if self.method == "approle":
            client.auth.approle.login(role_id=role, secret_id=secret, mount_point=mount)
        elif self.method == "kubernetes":
            Kubernetes(client.adapter).login(role=role, jwt=secret, mount_point=mount)
        else:
            client.token = client.auth.jwt.jwt_login(role=role, jwt=secret, path=mount)["auth"]["client_token"]


class VaultClients:
    """Clients of one Vault: one with the process's token, or one per tenant where each has a role. Methods block: call them in a
    thread.

    Args:
        address: `http(s)://host:port`.
        token: a token, or
        login: how to get one, again when it ends.
        namespace: Vault Enterprise's namespaces.
    """

    def __init__(
        self, address: str, *, token: str | None = None, login: VaultLogin | None = None, namespace: str | None = None
    ) -> None:
        self._address, self._login = address, login
        self._token, self._namespace = token, namespace
        self._clients: OrderedDict[str, hvac.Client] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def per_tenant(self) -> bool:
        """Whether each tenant has a role of its own."""
        return self._login is not None and self._login.per_tenant

    def call(self, tenant: str, request: VaultRequest[T], advice: str) -> T:
        """Return what one request answers that is made for a tenant; with a login, a refused token is renewed once.

        Args:
            tenant: for whom.
            request: what is asked.
            advice: what to look at when Vault refuses.

        Raises:
            VaultPathMissing: there is nothing at its path.
            VaultVersionChanged: a check-and-set does not hold.
            CredentialsUnavailable: Vault refuses or does not answer; the message has neither token nor path.
        """
        return self._explained(lambda: self._attempt(tenant, request), advice)

    def check_health(self) -> None:
        """Return when Vault is there and unsealed, whatever its token may do; a standby counts.

        Raises:
            CredentialsUnavailable: it is not.
        """

        def ask() -> object:
            return self._new_client().sys.read_health_status(
                method="GET", standby_ok=True, performance_standby_code=200
            )

        answer = self._explained(ask, "Check VAULT_ADDR.")
        if not isinstance(answer, dict):  # hvac returns JSON for 200 alone, and raises nothing here
            status = getattr(answer, "status_code", None)
            reason = {501: "is not initialized", 503: "is sealed"}.get(status or 0, f"answers with status {status}")
            raise CredentialsUnavailable(f"Vault at {self._address} {reason}. Initialize or unseal it.")

    def _explained(self, work: Callable[[], T], advice: str) -> T:
        try:
            return work()
        except InvalidPath as error:
            if any(NO_ENGINE in str(each) for each in error.errors or ()):
                raise CredentialsUnavailable(
                    f"Vault at {self._address} has no engine at that mount. {advice}"
                ) from None
            raise VaultPathMissing from None
        except InvalidRequest as error:
            if "check-and-set" in str(error):
                raise VaultVersionChanged from None
            raise CredentialsUnavailable(f"Vault at {self._address} refused the request. {advice}") from None
        except (VaultError, requests.RequestException, OSError) as error:
            # the error's text may have the address with its query, or the token; its type has neither
            raise CredentialsUnavailable(
                f"Vault at {self._address} refused or does not answer ({type(error).__name__}). {advice}"
            ) from None

    def _attempt(self, tenant: str, request: VaultRequest[T]) -> T:
        client, login = self._client(tenant), self._login
        if login is None:
            return request(client)
        if not client.token:
            self._log_in(login, client, tenant)
            return request(client)
        try:
            return request(client)
        except (Forbidden, Unauthorized):
            self._log_in(login, client, tenant)
            return request(client)

    @staticmethod
    def _log_in(login: VaultLogin, client: hvac.Client, tenant: str) -> None:
        try:
            login.log_in(client, tenant)
        except InvalidPath:  # of the login: nothing that was asked for is missing
            raise Forbidden(f"no {login.method} login") from None

    def _client(self, tenant: str) -> hvac.Client:
        """Return the client with the token for this tenant."""
        own = tenant if self.per_tenant else ""
        with self._lock:
            client = self._clients.pop(own, None) or self._new_client()
            self._clients[own] = client
            if len(self._clients) > MAX_CLIENTS:
                self._clients.popitem(last=False)
        return client

    def _new_client(self) -> hvac.Client:
        return hvac.Client(url=self._address, token=self._token, namespace=self._namespace, timeout=TIMEOUT_SECONDS)


def vault_clients(settings: Settings) -> VaultClients:
    """Return the clients of the Vault that the settings name.

    Raises:
        CredentialsUnavailable: no address, no way to log in, or several.
    """
    if settings.vault_address is None:
        raise CredentialsUnavailable("Vault has no address: set VAULT_ADDR")
    token = settings.vault_token.get_secret_value() if settings.vault_token else None
    login = _login(settings)
    if token is None and login is None:
        raise CredentialsUnavailable(
            "VAULT_ADDR is set: set VAULT_TOKEN, VAULT_ROLE_ID and VAULT_SECRET_ID, VAULT_JWT_ROLE and VAULT_JWT_FILE, or "
            "VAULT_KUBERNETES_ROLE, too"
        )
    return VaultClients(
        settings.vault_address, token=token if login is None else None, login=login, namespace=settings.vault_namespace
    )


def _login(settings: Settings) -> VaultLogin | None:
    """Return the one login that is configured. Raise CredentialsUnavailable for several."""
    mount, logins = settings.vault_auth_mount, list[VaultLogin]()
    if settings.vault_role_id:
        secret = settings.vault_secret_id.get_secret_value() if settings.vault_secret_id else ""
        logins.append(VaultLogin("approle", settings.vault_role_id, lambda: secret, mount))
    if settings.vault_jwt_role:
        if settings.vault_jwt_file is None:
            raise CredentialsUnavailable("VAULT_JWT_ROLE is set: set VAULT_JWT_FILE, the file with the token, too")
        logins.append(VaultLogin("jwt", settings.vault_jwt_role, _reader(settings.vault_jwt_file), mount))
    if settings.vault_kubernetes_role:
        read = _reader(settings.vault_kubernetes_token_file)
        logins.append(VaultLogin("kubernetes", settings.vault_kubernetes_role, read, mount))
    if len(logins) > 1:
        raise CredentialsUnavailable(
            "Vault has one way to log in: set one of VAULT_ROLE_ID, VAULT_JWT_ROLE and VAULT_KUBERNETES_ROLE"
        )
    return logins[0] if logins else None


def _reader(file: Path) -> Callable[[], str]:
    return lambda: file.read_text(encoding="utf-8").strip()
