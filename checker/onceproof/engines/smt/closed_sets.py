"""The obligations of a bounded proof, as text: a given finite set of configurations is all that can
be reached within the bounds.

Initial configurations are in the set, every rule leads from it into it (``alone``, limits and the
pool exact), nothing in it is bad.

NOTE(order): configurations are compared up to the order of workers, events and components, which no
rule can tell apart.

1. The set is given by canonical configurations: workers of an event, events of a component,
   components, each in descending order of their bits. Let G be all configurations that some
   reordering turns into a canonical one of the set.
2. The step relation commutes with reordering. So if every step of every actor from the *canonical*
   configurations leads into G, then every step from G does. (The slot of a new worker is the lowest
   free one: where it goes is a matter of order as well.)
3. A configuration is in G if and only if sorting it gives a member of the set. The configuration
   after the step is sorted by a network of compare-and-exchange steps inside the formula. Whatever
   the network does, it only reorders; if it did not sort, a configuration could be missed in the
   set, never found there by mistake.
4. Variables of an empty slot are zero in canonical configurations; nothing reads them. Bad patterns
   do not depend on order either.

The set is written as a decision diagram (one function per node, equal nodes shared): the same set,
and much less text than a list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from onceproof.engines.smt import terms
from onceproof.engines.smt.bmc import Bounds, bounded_layout, fires, next_values
from onceproof.engines.smt.checks import unknown_row
from onceproof.engines.smt.encode import (
    Layout,
    Place,
    actors,
    bad,
    code,
    describe,
    fire,
    in_domain,
    initial_row,
    legend,
)
from onceproof.engines.smt.induction import Obligation, shape_rows
from onceproof.engines.smt.terms import claim, declare, define, quote
from onceproof.machine.invariant import Row, Shape
from onceproof.machine.system import Level, Machine, Property, Variable

Configuration = tuple[Shape, ...]
"""A whole configuration: each component with all of its events and all of their workers."""

ACTOR = "actor"
AFTER = "after"


class Node(Struct, frozen=True):
    """A node of a decision diagram: for the column of its depth, which values lead to which node of
    the next depth.
    """

    column: int
    edges: tuple[tuple[int, tuple[str, ...]], ...]


def misplaced(machine: Machine, states: Sequence[Configuration], bounds: Bounds) -> str:
    """Why some configuration is not one of this machine within these bounds ("" if all are)."""
    for state in states:
        if len(state) != bounds.keys or any(len(shape.events) != bounds.events for shape in state):
            return (
                f"a configuration does not have {bounds.keys} components with {bounds.events}"
                " events each"
            )
        if sum(shape.worker_count for shape in state) > bounds.workers:
            return f"a configuration has more than {bounds.workers} workers"
    return unknown_row(
        machine, (row for state in states for shape in state for row in shape_rows(shape))
    )


def packed(machine: Machine, states: Iterable[Configuration], bounds: Bounds) -> list[str]:
    """The bits of each configuration in canonical order, as :func:`_sorted_bits` puts them
    together. Few rows, and few components, make up many configurations: each is turned into bits
    once.
    """
    codes = {
        level: [{v: code(one, v)[2:] for v in one.domain} for one in machine.level(level)]
        for level in Level
    }
    known: dict[tuple[Level, Row], str] = {}
    whole: dict[Shape, str] = {}

    def bits(level: Level, row: Row) -> str:
        if (level, row) not in known:
            pairs = zip(codes[level], row, strict=True)
            known[level, row] = "".join(values[value] for values, value in pairs)
        return known[level, row]

    first = tuple(v.domain[0] for v in machine.level(Level.WORKER))
    nobody = "0" * (1 + len(bits(Level.WORKER, first)))

    def component(shape: Shape) -> str:
        if shape not in whole:
            events = []
            for row, crew in shape.events:
                workers = sorted(("1" + bits(Level.WORKER, w) for w in crew), reverse=True)
                workers += [nobody] * (bounds.workers - len(crew))
                events.append(bits(Level.EVENT, row) + "".join(workers))
            ordered = "".join(sorted(events, reverse=True))
            whole[shape] = "1" + bits(Level.COMPONENT, shape.component) + ordered
        return whole[shape]

    return ["".join(sorted(map(component, state), reverse=True)) for state in states]


def diagram(words: Iterable[str], widths: Sequence[int]) -> list[Node]:
    """The decision diagram of a set of words of the same length, cut into columns; children come
    first, the last node is the root.

    The node 0 stands for "no column left".
    """
    nodes = [Node(len(widths), ())]
    known = {nodes[0]: 0}

    def build(column: int, start: int, some: list[str]) -> int:
        if column == len(widths):
            return 0
        groups: dict[str, list[str]] = {}
        for word in some:
            groups.setdefault(word[start : start + widths[column]], []).append(word)
        children: dict[int, list[str]] = {}
        for value in sorted(groups):
            children.setdefault(
                build(column + 1, start + widths[column], groups[value]), []
            ).append(value)
        node = Node(
            column, tuple((child, tuple(values)) for child, values in sorted(children.items()))
        )
        if node not in known:
            known[node] = len(nodes)
            nodes.append(node)
        return known[node]

    build(0, 0, sorted(set(words)))
    return nodes


def _membership(prefix: str, nodes: list[Node], columns: list[str]) -> Iterator[str]:
    """Functions that say that the columns form a word of the diagram; the last one, of that name,
    is the answer.
    """
    for number, node in enumerate(nodes):
        last = number == len(nodes) - 1
        either = [terms.TRUE] if not node.edges and node.column == len(columns) else []
        for child, values in node.edges:
            matches = terms.disj(
                terms.equal(columns[node.column], f"#b{value}") for value in values
            )
            either.append(terms.conj((matches, quote(f"{prefix}.{child}"))))
        yield define(
            quote(prefix if last else f"{prefix}.{number}"), (), "Bool", terms.disj(either)
        )


class _Columns(Struct, frozen=True):
    """The columns of a configuration in slot order: terms over the symbols before the step, and
    their widths.
    """

    terms: list[str]
    widths: list[int]


def _columns(layout: Layout) -> _Columns:
    columns = _Columns([], [])
    for component in layout.components():
        _extend(columns, ["#b1"], [1])
        _extend_row(columns, layout, component)
        for event in layout.events(component.component):
            _extend_row(columns, layout, event)
            for worker in layout.workers(event):
                _extend(columns, [terms.choose(quote(layout.path(worker)), "#b1", "#b0")], [1])
                _extend_row(columns, layout, worker)
    return columns


def _extend(columns: _Columns, more: list[str], widths: list[int]) -> None:
    columns.terms.extend(more)
    columns.widths.extend(widths)


def _extend_row(columns: _Columns, layout: Layout, place: Place) -> None:
    for cell in layout.row(place):
        if cell.variable is not None:
            _extend(columns, [quote(cell.name)], [_width(cell.variable)])


def _width(variable: Variable) -> int:
    return terms.width_for(len(variable.domain))


def _concat(parts: Sequence[str]) -> str:
    """All parts in one bit vector; there is at least one."""
    *first, term = parts
    for part in reversed(first):
        term = f"(concat {part} {term})"
    return term


class _Sorter(Struct, frozen=True):
    """Writes definitions of sorted bit vectors; names are numbered."""

    lines: list[str]

    def define(self, width: int, term: str) -> str:
        """A new symbol for a term."""
        name = quote(f"sorted.{len(self.lines)}")
        self.lines.append(define(name, (), terms.bits(width), term))
        return name

    def descending(self, width: int, items: list[str]) -> list[str]:
        """The same items, largest first."""
        ordered_items = list(items)
        for end in range(len(ordered_items) - 1, 0, -1):
            for i in range(end):
                left, right = ordered_items[i], ordered_items[i + 1]
                ordered = f"(bvuge {left} {right})"
                ordered_items[i] = self.define(width, terms.choose(ordered, left, right))
                ordered_items[i + 1] = self.define(width, terms.choose(ordered, right, left))
        return ordered_items


def _sorted_bits(layout: Layout, after: dict[str, str]) -> tuple[list[str], str]:
    """Definitions, and the term of the whole configuration ``after`` in canonical order."""
    machine = layout.machine
    wide = {level: sum(_width(v) for v in machine.level(level)) for level in Level}
    sorter = _Sorter([])
    components = []
    for component in layout.components():
        events = []
        size = 0
        for event in layout.events(component.component):
            workers = []
            for worker in layout.workers(event):
                bits = _concat(["#b1", *(after[cell.name] for cell in layout.row(worker))])
                bits = terms.choose(
                    after[layout.path(worker)], bits, terms.literal(0, 1 + wide[Level.WORKER])
                )
                workers.append(sorter.define(1 + wide[Level.WORKER], bits))
            size = wide[Level.EVENT] + len(workers) * (1 + wide[Level.WORKER])
            row = [after[cell.name] for cell in layout.row(event)]
            if size:
                events.append(
                    sorter.define(
                        size, _concat([*row, *sorter.descending(1 + wide[Level.WORKER], workers)])
                    )
                )
        row = [after[cell.name] for cell in layout.row(component)]
        width = 1 + wide[Level.COMPONENT] + len(events) * size
        components.append(
            sorter.define(width, _concat(["#b1", *row, *sorter.descending(size, events)]))
        )
    return sorter.lines, _concat(sorter.descending(width, components))


def closure_obligations(
    machine: Machine, prop: Property, states: Sequence[Configuration], bounds: Bounds
) -> tuple[Obligation, ...]:
    """All that must be unsatisfiable: ``states`` has the initial configurations, is closed under
    steps, and has nothing bad.
    """
    layout = bounded_layout(machine, bounds)
    columns = _columns(layout)
    nodes = diagram(packed(machine, states, bounds), columns.widths)
    symbols = tuple(cell.name for cell in layout.cells())
    base = _base(layout)
    before = [*_membership("before", nodes, columns.terms), claim(quote("before"))]
    after = [
        declare(quote(AFTER), terms.bits(sum(columns.widths))),
        *_membership("known", nodes, _cut(columns.widths)),
    ]
    after.append(claim(terms.negate(quote("known"))))
    todo = [Obligation("initial", -1, "\n".join((*base, *after)), _initial(layout), symbols)]
    prelude = "\n".join((*base, *before, *after))
    todo += [
        Obligation(f"rule-{i}", i, prelude, _step(layout, i, bounds.workers), symbols)
        for i in range(len(machine.rules))
    ]
    prelude = "\n".join((*base, *before))
    for index, pattern in enumerate(prop.bad):
        todo.append(Obligation(f"claim-{index}", -1, prelude, claim(bad(layout, pattern)), symbols))
    return tuple(todo)


def _base(layout: Layout) -> list[str]:
    lines = ["(set-logic QF_BV)", *legend(layout)]
    lines += [declare(quote(cell.name), cell.sort) for cell in layout.cells()]
    return lines + [
        claim(in_domain(cell)) for cell in layout.cells() if in_domain(cell) != terms.TRUE
    ]


def _cut(widths: Sequence[int]) -> list[str]:
    """The columns of the symbol ``after``."""
    extracts = []
    high = sum(widths) - 1
    for width in widths:
        extracts.append(f"((_ extract {high} {high - width + 1}) {quote(AFTER)})")
        high -= width
    return extracts


def _initial(layout: Layout) -> str:
    """Rows are initial and nobody works; this is the configuration ``after``."""
    places = [place for c in layout.components() for place in (c, *layout.events(c.component))]
    lines = [claim(initial_row(layout, place)) for place in places]
    lines += [claim(terms.negate(quote(layout.path(worker)))) for worker in layout.all_workers()]
    definitions, term = _sorted_bits(
        layout, {cell.name: quote(cell.name) for cell in layout.cells()}
    )
    return "\n".join((*lines, *definitions, claim(terms.equal(quote(AFTER), term))))


def _step(layout: Layout, index: int, pool: int) -> str:
    """The rule leads to the configuration ``after``, whoever acts."""
    rule = layout.machine.rules[index]
    lines = [terms.comment(describe(layout.machine, index))]
    firings = [fire(layout, rule, actor, pool) for actor in actors(layout, rule)]
    if not firings:
        return "\n".join((*lines, claim(terms.FALSE)))
    lines.append(declare(quote(ACTOR), terms.bits(terms.width_for(len(firings)))))
    lines.append(claim(fires(quote(ACTOR), firings)))
    definitions, term = _sorted_bits(layout, next_values(layout, quote(ACTOR), firings))
    return "\n".join((*lines, *definitions, claim(terms.equal(quote(AFTER), term))))
