"""Solver questions about a machine, written independently of the search and of the coverability
engine.

Layers: ``terms`` and ``encode`` (text from rules); ``bmc``, ``induction``, ``joint`` and
``closed_sets`` (the questions as text); ``certify`` (asking about a proof); ``solver`` (Z3 and
cvc5); ``certificate`` (questions as files that anyone can check).
"""
