"""The client of the npm package ws, in a process of Node for each connection."""
