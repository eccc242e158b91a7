"""The language server: what the command line knows, where the cursor is.

``server.py`` speaks the protocol, the rest knows designs.
"""
