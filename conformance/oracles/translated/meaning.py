"""What parses in both Pythons and means something else in Python 3, as changes of the syntax tree."""

from __future__ import annotations

import ast
import warnings

#: Methods that strings and dictionaries have no more, or that return something else; `python2` has functions for them.
METHODS = frozenset({"decode", "encode", "has_key", "items", "keys", "values"})
#: Begins the names of those functions; no program uses it.
PREFIX = "_python2_"


def translated(source: str, name: str) -> ast.Module:
    """Return the syntax tree of a module."""
    with warnings.catch_warnings():
        # "\." is a backslash and a dot in both; only Python 3 complains.
        warnings.simplefilter("ignore")
        tree = ast.parse(source, name)
    changed: ast.Module = _Meaning().visit(tree)
    return ast.fix_missing_locations(changed)


class _Meaning(ast.NodeTransformer):
    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """``a / b`` of integers is an integer."""
        self.generic_visit(node)
        return _call("divide", node.left, node.right) if isinstance(node.op, ast.Div) else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """``value.method(...)`` becomes a call of a function that knows both kinds of value."""
        self.generic_visit(node)
        function = node.func
        if isinstance(function, ast.Attribute) and function.attr in METHODS:
            return ast.Call(_name(function.attr), [function.value, *node.args], node.keywords)
        return node

    def visit_Tuple(self, node: ast.Tuple) -> ast.AST:
        """``(object, Case)`` as bases had an order of resolution as long as ``Case`` was a class of the old style."""
        self.generic_visit(node)
        first = node.elts[0] if len(node.elts) > 1 else None
        if isinstance(first, ast.Name) and first.id == "object":
            node.elts = node.elts[1:]
        return node


def _name(function: str) -> ast.Name:
    return ast.Name(PREFIX + function, ast.Load())


def _call(function: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(_name(function), list(arguments), [])
