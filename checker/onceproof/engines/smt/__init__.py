"""Solver questions about a machine, written independently of the search and of the coverability
engine.

``terms``: SMT-LIB terms as text.
``encode``: configurations, guards, rules and bad patterns as text.
``checks``: what the encoding demands of a machine; others are refused.
``induction``: the obligations of a proof for any number.
``closed_sets``: the obligations of a bounded proof.
``joint``: the obligations of a proof in parts.
``bmc``: bounded model checking: a bad run of so many steps, as a formula.
``script``: the commands of one obligation, and one formula for several.
``certify``: asks solvers about a proof.
``solver``: Z3 and cvc5.
``firing``: which rules can fire where an invariant holds, with a configuration.
``certificate``: obligations as files that anyone can check.
"""
