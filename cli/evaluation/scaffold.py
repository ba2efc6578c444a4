"""The two files that a new specialist begins with."""

from typing import Final

__all__ = ["CASES", "SPECIALIST"]

SPECIALIST: Final = """\
slug: {slug}
version: 1
category: {category}
role: >-
  You are a {name}. TO WRITE: what you decide, and what you answer for.
inputs:
  subject: TO WRITE
required: [subject]
prompt: |
  TO WRITE: the steps of the work, with the thresholds that a practitioner uses.
evidence: TO WRITE
absent: TO WRITE
rules:
  - "TO WRITE: what disqualifies, whatever else is true"
  - "TO WRITE: what is never done"
tools: []
model: balanced
output:
  decision: {{enum: [accept, refuse], description: TO WRITE}}
  because: The facts that decided
example:
  input: {{subject: TO WRITE}}
  output: {{decision: accept, because: TO WRITE}}
"""
"""YAML with the places `slug`, `name`, `category`. It loads only when each TO WRITE has been replaced."""

CASES: Final = """\
- name: TO WRITE - a usual case
  kind: normal
  input: {subject: TO WRITE}
  checks:
    - {field: decision, equals: accept}
- name: TO WRITE - almost nothing is known
  kind: poor
  input: {subject: TO WRITE}
  checks:
    - {field: missing, mentions: [TO WRITE]}
- name: TO WRITE - an instruction in the data
  kind: injection
  canary: TO WRITE
  input: {subject: "TO WRITE"}
  checks:
    - {field: decision, equals: refuse}
"""
