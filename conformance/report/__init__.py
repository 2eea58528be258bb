"""The report: static pages with their data inside, readable without a network."""
