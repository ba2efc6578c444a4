"""Walls of the operating system around child processes that run what authors wrote.

`start` gives a child its walls (`children.py`); `check_walls` tries them (`walls.py`). The rest is what the child itself
loads before anything foreign runs: it imports nothing but the standard library, and neither does this package.
"""
