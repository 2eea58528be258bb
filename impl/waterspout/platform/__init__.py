"""Bridges between the event loop of this package and others."""
