"""The client of the package websockets."""
