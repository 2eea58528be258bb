"""Coverage-guided fuzzing of the parsers of what a peer chose: ``python -m property_tests.fuzz --seconds 60``."""
