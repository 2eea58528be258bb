"""What is raised for templates that cannot be compiled."""

from __future__ import annotations


class ParseError(Exception):
    """A template that is not well-formed; says in which template, by its name, and in which line.

    Also raised for Python in it that does not compile, and for an included template that cannot be loaded;
    ``__cause__`` is that error then.  Documentation: ``template.ParseError``.
    """

    def __init__(self, message: str, filename: str | None = None, lineno: int = 0) -> None:
        super().__init__(message, filename, lineno)
        self.message = message
        self.filename = filename
        self.lineno = lineno

    def __str__(self) -> str:
        return f"{self.message} at {self.filename}:{self.lineno}"
