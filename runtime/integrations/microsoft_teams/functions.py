"""Microsoft Teams: the text of a question."""

from runtime.integrations.questions import question_html as question

__all__ = ["question"]
