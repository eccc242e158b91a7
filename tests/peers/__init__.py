"""Other model checkers as a fourth opinion: exported models in SPIN, Rumur, TLC and NuSMV against
our own search.
"""
