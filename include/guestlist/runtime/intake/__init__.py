"""Audiences that are pushed: their uploads are kept encrypted, become segments of their own, and are told about."""
