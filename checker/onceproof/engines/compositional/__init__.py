"""Compositional proofs: a large machine is proved handler by handler.

``abstraction``: the machine as one handler sees it, everything else as what may happen anytime.
``lemmas``: finds the abstractions whose proofs together prove the claim.
``certificate``: what solvers are asked about such a proof, and its files.
"""
