"""Property tests: models, round trips, and comparisons with other people's implementations."""
