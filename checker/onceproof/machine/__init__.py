"""The transition system: the one representation that every engine reads. Data, and nothing else.

``system``: the machine, its rules, properties and runs.
``invariant``: a candidate proof as data.
``plain``: machines, patterns and invariants as JSON values that a person can read.
``delivery``: the three delivery guarantees of a generic queue.
``faults``: the table of faults, one row for each.
``approximation``: rules and patterns that are wider than the design, for proofs.
``slicing``: drops what cannot influence a property.
``distinct``: rules that do what another rule does.
"""
