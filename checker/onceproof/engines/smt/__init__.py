"""Solver questions about a machine, written independently of the search and of the coverability
engine.

Layers: ``encode`` (text from rules), ``unroll`` / ``induction`` / ``closure`` (the three questions
as text), ``question`` (asking them), ``solver`` (Z3 and cvc5), ``certificate`` (questions as files
that anyone can check).
"""
