"""Engines: independent opinions about one machine. ``search/``, ``coverability/`` and ``smt/`` read
``machine/`` and do not know each other.

``coverability/``: candidate proofs for any number of events and workers.
``smt/``: checks proofs with solvers.
``search/``: counterexamples and counts within bounds.
``compositional/``: proofs of large machines, handler by handler, made with the first two.
"""
