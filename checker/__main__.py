"""``python -m checker``."""

from checker.main import entry

if __name__ == "__main__":
    entry()
