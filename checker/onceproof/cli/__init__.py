"""The command line: one file per command, named like it, with its arguments, its help and what it
does: ``assumptions``, ``check``, ``completion``, ``diff``, ``drill``, ``explain``, ``export``,
``faults``, ``fmt``, ``graph``, ``lsp``, ``models``, ``needs``, ``new``, ``parse``, ``repair``,
``report``, ``step``, ``testgen``, ``verify``, ``watch``.

``main``: runs the command line and turns whatever happens into an exit code.
``group``: which commands there are, each imported when it is asked for.
``printed``: answers a repeated ``check`` from the cache before anything else is imported.
``shared``: options that several commands take, loading a design, writing a text.
``progress``: one line on a terminal's standard error while a command takes long.
"""
