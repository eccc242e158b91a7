"""Recovery: a design with mistakes is read to its end, so that all of them are reported at once.

``blocks``: the lines of a design in their blocks; moves, mends or replaces those that do not fit.
``line``: what one line that does not parse was meant to be.
``habits``: habits from other languages, as candidate corrections.
"""
