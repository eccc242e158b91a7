"""Text to syntax tree.

``parser``: a whole design, with every mistake in it. ``indentation``: its lines, each at a sound
depth. ``lark_parser``: Lark, with ``grammar/once.lark``. ``build``: Lark's tree to the records of
``ast``. ``visit``: ways through these. ``recovery``: mends what does not parse. ``interactive``:
what the grammar takes at any point, for recovery, completion and formatting. ``keywords``: the
words of the language.
"""
