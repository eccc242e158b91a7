"""Exported models, for a fourth opinion: the same machine in the languages of other checkers.

``model``: what is exported: a machine, claims, bounds and names. Read it first.
``names``: names of a design as identifiers of other languages.
``writer``: what the four languages share.
``promela``: for SPIN.
``tla``: for TLC.
``murphi``: for Rumur.
``smv``: for NuSMV and nuXmv.
"""

from __future__ import annotations

from onceproof.export.model import Model, Size, TooLarge
from onceproof.export.names import Names, names_of

__all__ = ["LANGUAGES", "Model", "Names", "Size", "TooLarge", "names_of", "write"]

LANGUAGES = ("promela", "tla", "murphi", "smv")


def write(language: str, model: Model) -> dict[str, str]:
    """The files of an exported model, by suffix, the main one first. Raises ValueError for an
    unknown language, TooLarge.
    """
    match language:
        case "promela":
            from onceproof.export.promela import promela

            return {".pml": promela(model)}
        case "tla":
            from onceproof.export.tla import cfg, tla

            return {".tla": tla(model), ".cfg": cfg(model)}
        case "murphi":
            from onceproof.export.murphi import murphi

            return {".m": murphi(model)}
        case "smv":
            from onceproof.export.smv import smv

            return {".smv": smv(model)}
    raise ValueError(f"nobody here writes {language}")
