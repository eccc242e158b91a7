"""Why a claim holds, in the design's words: a few facts that together are inductive and imply it.

``explain_proof`` reads a certified invariant, finds facts, words them, and lets a solver check
them: facts that do not pass are never reported as the reason.

``explain``: puts the parts together.
``allowed``: what a certified invariant allows, as tables.
``space``: products of value sets, the shape of a fact.
``before``: one step back from a fact.
``grow``: from a claim to facts that together keep it true.
``general``: from a situation that never occurs to a simpler and wider one.
``oneof``: facts of the form "at most one of these at a time".
``words``: words for what a set of values of a variable means.
``sentences``: from facts to sentences.
``rebuild``: from facts back to an invariant that solvers check.
"""

from __future__ import annotations

from onceproof.explain.proof.explain import Fact, Kind, Why, explain_proof

__all__ = ["Fact", "Kind", "Why", "explain_proof"]
