"""The wording of every mistake: one small function per code, grouped by stage. Codes are never
reused (docs/errors.md).
"""
