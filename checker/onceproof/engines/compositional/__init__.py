"""Compositional proofs: a large machine is proved handler by handler.

``abstraction``: the machine as one handler sees it, everything else as what may happen anytime.
``lemmas``: finds the abstractions whose proofs together prove the claim.
``few_variables``: finds few variables from which a claim follows, for machines that are asked about
again.
``certificate``: what solvers are asked about such a proof, and its files.
"""
