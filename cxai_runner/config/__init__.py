"""Configs: the typed schema, composition, preflight, and the wording of its errors."""
