"""The patterns that ``onceproof new --pattern`` writes, one design each, under a generic broker."""
