"""The version of the package, for every part that names it."""

VERSION = "0.1.0"
