"""POST /webhook/{tenant}/{path}: an HTTP request becomes a durable run, and the run answers it."""

from api.triggers.webhooks.handler import webhook_handler

__all__ = ["webhook_handler"]
