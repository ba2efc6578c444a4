"""Forms: the pages of form triggers and of waits for a form."""

from api.triggers.forms.handler import form_handler

__all__ = ["form_handler"]
