"""The language: from the text of a design to a checked ``Design``.

``load``: a file to a checked design; the only module here that reads files.
``source``: texts and places in them.
``diagnostics``: what is wrong with a design, as data.
``syntax/``: text to syntax tree.
``resolve/``: syntax tree to checked design.
``errors/``: the wording of every mistake.
``design``: the checked design, with every name resolved.
``assumptions``: the table of assumptions, one row for each.
``settings``: one design with other models behind its names.
``format``: writes a design in the style of docs/style.md.
``highlight``: a Pygments lexer.
"""
