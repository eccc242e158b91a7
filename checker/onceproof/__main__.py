"""``python -m onceproof``."""

from onceproof.cli.main import entry

if __name__ == "__main__":
    entry()
