"""The client of the package aiohttp."""
