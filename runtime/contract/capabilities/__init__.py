"""The capabilities of a task: one Protocol per file for each kind of access to the outside.

Each host has one implementation of every Protocol, in a file of the same name: `runtime/hosts/temporal/capabilities/` the
real ones, `runtime/hosts/local/capabilities/` the offline fakes. `docs/adding-a-capability.md` says how to add one.
"""

from typing import Protocol

from runtime.contract.capabilities.blobs import Blobs
from runtime.contract.capabilities.chat_memory import ChatMemory
from runtime.contract.capabilities.code import Code
from runtime.contract.capabilities.commands import CommandResult, Commands
from runtime.contract.capabilities.credentials import AskForToken, Credentials
from runtime.contract.capabilities.data_store import DataStore, Store
from runtime.contract.capabilities.databases import Databases, MongoSession, RedisSession, SqlSession
from runtime.contract.capabilities.files import Files
from runtime.contract.capabilities.http import Http, HttpResponse
from runtime.contract.capabilities.log import Log
from runtime.contract.capabilities.mail import Mail
from runtime.contract.capabilities.models import Models
from runtime.contract.capabilities.mqtt import Mqtt, MqttMessage
from runtime.contract.capabilities.progress import Progress
from runtime.contract.capabilities.remote_files import RemoteFiles, RemoteFolder
from runtime.contract.capabilities.ssh import Ssh, SshResult
from runtime.contract.capabilities.vectors import Vectors

__all__ = [
    "AskForToken",
    "Blobs",
    "Capabilities",
    "ChatMemory",
    "Code",
    "CommandResult",
    "Commands",
    "Credentials",
    "DataStore",
    "Databases",
    "Files",
    "Http",
    "HttpResponse",
    "Log",
    "Mail",
    "Models",
    "MongoSession",
    "Mqtt",
    "MqttMessage",
    "Progress",
    "RedisSession",
    "RemoteFiles",
    "RemoteFolder",
    "SqlSession",
    "Ssh",
    "SshResult",
    "Store",
    "Vectors",
]


class Capabilities(Protocol):
    """Every capability, as an attribute with the name of its file. Each step kind has some of them
    (`runtime.interpreter.capabilities.ALLOWED`).
    """

    @property
    def blobs(self) -> Blobs:
        """The binary data of items."""

    @property
    def chat_memory(self) -> ChatMemory:
        """Chat messages that last between runs."""

    @property
    def code(self) -> Code:
        """Sandboxes for the code of an author."""

    @property
    def commands(self) -> Commands:
        """Commands on the worker's machine."""

    @property
    def credentials(self) -> Credentials:
        """Decrypted credentials of the tenant."""

    @property
    def data_store(self) -> DataStore:
        """Data tables, and values that were seen in earlier runs."""

    @property
    def databases(self) -> Databases:
        """Databases of the tenant's own."""

    @property
    def files(self) -> Files:
        """The tenant's folder."""

    @property
    def http(self) -> Http:
        """Requests to the outside."""

    @property
    def log(self) -> Log:
        """Structured log lines."""

    @property
    def mail(self) -> Mail:
        """SMTP and IMAP."""

    @property
    def models(self) -> Models:
        """Model services of the operator, and the budget of tokens."""

    @property
    def mqtt(self) -> Mqtt:
        """Messages to MQTT brokers."""

    @property
    def progress(self) -> Progress:
        """Heartbeats, and where an attempt that was cut off stopped."""

    @property
    def remote_files(self) -> RemoteFiles:
        """Files on servers of the tenant, by FTP and SFTP."""

    @property
    def vectors(self) -> Vectors:
        """Documents with vectors that last between runs."""

    @property
    def ssh(self) -> Ssh:
        """Servers of the tenant, by SSH."""
