"""Hypothesis strategies, a module for each protocol."""
