"""Highlighting and the extensions for editors."""
