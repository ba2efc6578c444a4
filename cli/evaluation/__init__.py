"""Evaluation of the specialist agents: cases as data, run with a model, checked by a machine, and a report with cost.

`case.py` reads the cases in `cases/`, `check.py` checks an answer, `runner.py` asks, `scripted.py` stands for a model.
"""
