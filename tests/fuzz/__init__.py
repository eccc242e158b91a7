"""Texts nobody would write, by the million: the reader of designs must answer every one of them."""
