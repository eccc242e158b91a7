"""From a run of the machine to a counterexample of the design.

``lift``: the run at the level of the design's source.
``attempts``: as many failed attempts as `retry N times` says.
``delivery_limits``: as many failed deliveries as it takes until a message is given up.
``validate``: the interpreter, the second reading of the design, follows it to the violation.
"""
