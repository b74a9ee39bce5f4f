"""Small wrong changes to a model's SQL, one at a time: the mistakes people make.

A mutant is told by `model, operator, from → to` and a number where the same change is possible in
several places; that is its name in equivalent_mutants.csv.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp

Node = Any  # of sqlglot: its classes share no type that has all of what they share

_COMPARED: dict[type, tuple[Node, ...]] = {
    exp.EQ: (exp.NEQ,),
    exp.NEQ: (exp.EQ,),
    exp.GT: (exp.GTE, exp.LT),
    exp.GTE: (exp.GT, exp.LT),
    exp.LT: (exp.LTE, exp.GT),
    exp.LTE: (exp.LT, exp.GT),
    exp.NullSafeEQ: (exp.NullSafeNEQ, exp.EQ),
    exp.NullSafeNEQ: (exp.NullSafeEQ, exp.NEQ),
    exp.Add: (exp.Sub,),
    exp.Sub: (exp.Add,),
    exp.And: (exp.Or,),
    exp.Or: (exp.And,),
}
_AGGREGATES: dict[type, Node] = {
    exp.Min: exp.Max,
    exp.Max: exp.Min,
    exp.LogicalOr: exp.LogicalAnd,
    exp.LogicalAnd: exp.LogicalOr,
    exp.ArgMin: exp.ArgMax,
    exp.ArgMax: exp.ArgMin,
}


@dataclass(frozen=True)
class Mutant:
    """`name` says what was changed; `sql` is the whole query with it."""

    name: str
    sql: str


def mutants(sql: str) -> Iterator[Mutant]:
    """Every mutant of a query, in a fixed order."""
    tree = sqlglot.parse_one(sql, read="duckdb")
    for node in tree.walk():
        node.pop_comments()
    _drop_constants(tree)
    seen: Counter[str] = Counter()
    for node in list(tree.walk()):
        for operator, changed in _changes(node):
            before = node.sql("duckdb")
            old = node.replace(changed) and node
            after = changed.sql("duckdb")
            text = tree.sql("duckdb")
            changed.replace(old)
            name = f"{operator}: {_difference(before, after)}"
            seen[name] += 1
            yield Mutant(name if seen[name] == 1 else f"{name} #{seen[name]}", text)


def _drop_constants(tree: Node) -> None:
    """`x AND TRUE`, `FALSE OR x` and the like, which templates leave behind, are x."""
    for node in list(tree.find_all(exp.And, exp.Or)):
        for side, other in ((node.this, node.expression), (node.expression, node.this)):
            if isinstance(side, exp.Boolean) and side.this is isinstance(node, exp.And):
                node.replace(other)
                break


def _difference(before: str, after: str) -> str:
    """Where two texts differ, with a little of what stands around it."""
    start = _alike(before, after)
    end = _alike(before[start:][::-1], after[start:][::-1])
    old, new = (t[start : len(t) - end] for t in (before, after))
    left, right = before[max(0, start - 30) : start], before[len(before) - end :][:30]
    return f"{left}⟦{_cut(old)} → {_cut(new)}⟧{right}"


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    differ = (n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differ, min(len(one), len(other)))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:28]} … {text[-28:]}"


def _changes(node: Node) -> Iterator[tuple[str, Node]]:
    """What a node can be replaced by. A root, which has no place, is left alone."""
    if node.parent is None:
        return
    kind = type(node)
    if kind in _COMPARED:
        for other in _COMPARED[kind]:
            yield "operator", other(this=node.this.copy(), expression=node.expression.copy())
        if kind in (exp.Add, exp.Sub, exp.And, exp.Or):
            yield "drop right", node.this.copy()
            if kind is not exp.Sub:
                yield "drop left", node.expression.copy()
    elif kind in _AGGREGATES:
        yield "aggregate", _AGGREGATES[kind](**{k: _copied(v) for k, v in node.args.items()})
    elif kind is exp.Not:
        yield "drop not", node.this.copy()
    elif kind is exp.Coalesce:
        arguments = [node.this, *node.expressions]
        for gone in range(len(arguments)):
            left = [a.copy() for i, a in enumerate(arguments) if i != gone]
            yield "drop argument", exp.Coalesce(this=left[0], expressions=left[1:])
    elif kind is exp.Case:
        for gone in range(len(node.args["ifs"])):
            changed = node.copy()
            del changed.args["ifs"][gone]
            if changed.args["ifs"]:
                yield "drop when", changed
        if node.args.get("default") is not None:
            changed = node.copy()
            changed.set("default", None)
            yield "drop else", changed
    elif kind is exp.Literal and node.arg_key != "modifiers":
        yield "literal", _literal(node)
    elif kind is exp.RegexpReplace and node.args.get("modifiers"):
        changed = node.copy()
        changed.set("modifiers", None)
        yield "drop modifiers", changed
    elif kind is exp.Boolean:
        yield "literal", exp.Boolean(this=not node.this)
    elif kind is exp.TryCast:
        yield "strict cast", exp.Cast(this=node.this.copy(), to=node.to.copy())
    elif kind in (exp.Where, exp.Having, exp.Qualify):
        yield "drop clause", kind(this=exp.true())
    elif kind is exp.Join:
        yield from _joins(node)
    elif kind is exp.Union:
        yield "drop branch", node.this.copy()
        yield "drop branch", node.expression.copy()
    elif kind in (exp.In, exp.Array, exp.Group) and len(node.expressions) > 1:
        for gone in range(len(node.expressions)):
            changed = node.copy()
            del changed.expressions[gone]
            yield "drop item", changed
    elif kind is exp.Column and (neighbour := _neighbour(node)) is not None:
        yield "column", neighbour


def _copied(value: Any) -> Any:
    return value.copy() if isinstance(value, exp.Expr) else value


def _literal(node: Node) -> Node:
    if node.is_string:
        return exp.Literal.string(f"{node.this}?")
    return exp.Literal.number(int(node.this) + 1)


def _joins(node: Node) -> Iterator[tuple[str, Node]]:
    changed = node.copy()
    changed.set("kind", None)
    changed.set("side", None if node.side else "LEFT")
    yield "join", changed
    using = node.args.get("using") or []
    for gone in range(len(using) if len(using) > 1 else 0):
        changed = node.copy()
        del changed.args["using"][gone]
        yield "drop item", changed


def _neighbour(node: Node) -> Node | None:
    """Another column that the same SELECT reads from the same table: the next by name."""
    scope = node.find_ancestor(exp.Select)
    if scope is None:
        return None
    names = sorted(
        {
            c.name
            for c in scope.find_all(exp.Column)
            if c.table == node.table and c.find_ancestor(exp.Select) is scope
        }
    )
    if len(names) < 2:
        return None
    changed = node.copy()
    other = names[(names.index(node.name) + 1) % len(names)]
    changed.set("this", exp.to_identifier(other, quoted=True))
    return changed
