"""Erasure: a person is taken off every audience, stays off, and there is a receipt for it."""
