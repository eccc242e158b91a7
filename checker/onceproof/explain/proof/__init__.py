"""Why a claim holds, in the design's words: a few facts that together are inductive and imply it
(docs: theory.md, stage 5).

``explain_proof`` reads a certified invariant and finds the facts (``grow``, ``oneof``), says them
(``words``, ``sentences``), and lets a solver check what it found (``rebuild``): facts that do not
pass are never said to be the reason.
"""

from __future__ import annotations

from onceproof.explain.proof.explain import Fact, Kind, Why, explain_proof

__all__ = ["Fact", "Kind", "Why", "explain_proof"]
