"""The language server: what the command line knows, where the cursor is.

``server``: what the client asks, answered by the rest.
``project``: one open design, analyzed.
``verdicts``: checks in a process of their own, so that typing stays quick.
``findings``: mistakes and fatal crash points as diagnostics, and their quick fixes.
``completion``: what can stand at the cursor.
``names``: every name with what it stands for.
``renaming``: renaming, checked.
``cards``: what is shown beside a word; ``reference``: what docs/language.md says about it.
``symbols``: the outline of a design.
``places``: places of designs and of the protocol.
"""
