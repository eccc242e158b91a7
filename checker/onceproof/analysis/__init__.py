"""Further questions about a design. None of them makes a verdict; each asks ``verdict`` for it.

``session``: what all of them share: claims asked for, limit of time, tasks, validated traces.
``fault_model``: the single faults of a design in their places, told apart from their consequences.
``cut_sets``: which faults, and no fewer, break a claim.
``crash_map``: what a crash in exactly one gap of a handler does to each claim.
``assumptions``: under which assumptions a claim holds.
``validity_core``: which lines of a design its proofs depend on.
``ablations``: the parts of a design that can be removed one by one.
``diff``: two designs side by side.
"""
