"""Text to syntax tree.

``parser``: a whole design, with every mistake in it.
``indentation``: its lines, each at a sound depth.
``lark_parser``: Lark's parser for ``grammar/once.lark``.
``build``: Lark's tree to the records of ``ast``.
``ast``: the syntax tree, one record per construct.
``visit``: ways through the tree, to look at its steps or to rewrite them.
``recovery/``: mends what does not parse.
``interactive``: what the grammar takes at any point, for recovery, completion and formatting.
``keywords``: the words of the language, in groups.
"""
