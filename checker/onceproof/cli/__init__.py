"""The command line: one file per command, each with its arguments, its help and what it does.

``main.py`` is the exit door, ``group.py`` knows which commands there are, ``printed.py`` answers
from the cache before anything else is imported, ``shared.py`` has the options that several commands
take.
"""
