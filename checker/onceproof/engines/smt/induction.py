"""The obligations of an unbounded proof, as text.

Initial configurations satisfy the invariant Inv, every rule preserves it, and it excludes the
claim's bad patterns. What Inv says is taken from the :class:`onceproof.machine.invariant.Invariant`
alone, what a step does from the rules alone. One obligation is a formula whose unsatisfiability is
claimed; there is one per rule, never a disjunction over rules.

NOTE(slots): why a check on few slots covers any number of events and workers.

Let Inv be what :mod:`onceproof.machine.invariant` says of one component. Components share nothing
but the limits on spawns, ignored here.

1. Larger relation. A step of the machine is also a step of the relation obtained by (a) removing
   the workers that offend ``alone`` together with the step instead of waiting for them (if there is
   none the step is the same), and (b) ignoring limits and pools, which only forbid. If Inv is
   preserved by the larger relation it is preserved by the machine.
2. Locality. Once rule r and its actor a are chosen, the larger relation is a function and works
   element by element. The new component row and the acting event's new row depend on the component
   row, the acting event's row and the acting worker. Every other event keeps its row. Every other
   worker is kept, changed or removed depending on its own row and on whether it is in the acting
   event. A new worker depends on the component row and the acting event's row. So take any part D
   of a configuration C that contains the actor (for worker rules the worker and its event; for
   spawn and event rules the event): r can fire in D exactly if it can in C, and r(D) consists of
   the images of D's elements in r(C), with the new worker if there is one.
3. Witnesses. "Not Inv" is always visible on few elements: the component row alone; one event; one
   event with one worker; or the events and workers of one excluded shape. Their *profiles* are (),
   (0), (1) and, for a shape, the numbers of workers of its events, largest first.
4. Now let Inv(C), and not Inv(r(C)), with witness V in r(C). Every element of V is the image of an
   element of C, except the new worker. Let D be the component row, the actor with its event, and
   the elements of C whose images are in V. Inv(D), because Inv is downward closed, and V is in r(D)
   by 2. So D is a counterexample too. It has no other events than the acting one and those of one
   profile (one of which may be the acting one), and no other workers than the acting one and those
   of that profile (one of which may be the acting one or, in r(D), the new one). If no such D is a
   counterexample, no configuration at all is one.
5. Slots. Let k be the largest number in any profile; k >= 1 because of the profile (1). Event slot
   0 is the acting event's and has 1 + k worker slots, the first for the actor or the new worker.
   Event slot j >= 1 has as many worker slots as the j-th number of some profile at most is, and
   there are as many such slots as the longest profile. D fits: its acting event goes into slot 0,
   its actor into the first worker slot there; V's other events, largest first, into slots 1, 2, ...
   (V without its part in the acting event has no larger j-th number than V's profile), and V's
   other workers into the next slots of their events. All other slots are empty. A component rule
   has no acting event; its witness is put into slots 0, 1, ..., largest first. The set of a shape's
   rows is made closed under exchanging events with equally many workers, and workers of one event.
   So it does not matter which of them is said to be the acting one: :func:`_placements` lists one
   case for each size of the acting event's part, without and with the acting worker in it. The goal
   is the disjunction of these cases over all profiles.
6. Hypotheses. Inv(D) is stated for all slots and all ways to embed a shape into them. All of this
   follows from Inv(D). Leaving some of it out could only turn "unsatisfiable" into "satisfiable":
   it could lose a proof, never make one.

The other obligations are simpler. Initially there is no worker, so a witness is the component row,
one event, or a shape without workers; the slots are that shape's events, and the rows of all of
them are initial. A bad configuration C with Inv(C): let D be the part that a bad pattern names.
Inv(D), and D matches the pattern too, for what ``absent`` says of all workers of an event it also
says of those in D. The slots are exactly that part. Nothing is demanded of the workers outside it,
so the obligation is the stronger claim that drops ``absent`` for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations, pairwise, permutations, product, zip_longest

from msgspec import Struct

from onceproof.base import memo
from onceproof.engines.smt import terms
from onceproof.engines.smt.encode import (
    Embedding,
    Layout,
    Place,
    Read,
    among,
    bad_at,
    describe,
    fire,
    in_domain,
    initial_row,
    legend,
    variable_sort,
)
from onceproof.engines.smt.script import Script
from onceproof.engines.smt.terms import claim, declare, define, quote
from onceproof.machine.invariant import Invariant, Row, Shape
from onceproof.machine.system import Level, Machine, Property, Rule, RuleKind, Variable

Profile = tuple[int, ...]
"""How many workers each event of a witness has."""


class Obligation(Struct, frozen=True):
    """A formula that must be unsatisfiable: ``prelude`` (shared by neighbours, so that a solver
    reads it once) and ``body``.

    ``rule`` is the index of the rule whose preservation it states, -1 for the others; ``symbols``
    describe a counterexample. ``formula`` says what the body asserts as one formula, so that
    neighbours can be asked together ("" if it is not offered).
    """

    name: str
    rule: int
    prelude: str
    body: str
    symbols: tuple[str, ...]
    formula: str = ""

    @property
    def text(self) -> str:
        """The whole script, which must answer ``unsat``."""
        return f"{self.prelude}\n{self.body}\n(check-sat)\n"


class Part(Struct, frozen=True):
    """One conjunct of the invariant: elements of this profile satisfy ``function`` (``good``), or
    never do (not ``good``).
    """

    profile: Profile
    function: str
    rows: tuple[Row, ...]
    good: bool


def invariant_rows(invariant: Invariant) -> Iterator[tuple[Level, Row]]:
    """Every row the invariant mentions."""
    for component in invariant.components:
        yield Level.COMPONENT, component
    for component, event in invariant.events:
        yield from ((Level.COMPONENT, component), (Level.EVENT, event))
    for component, event, worker in invariant.workers:
        yield from ((Level.COMPONENT, component), (Level.EVENT, event), (Level.WORKER, worker))
    for shape in invariant.excluded:
        yield from shape_rows(shape)


def shape_rows(shape: Shape) -> Iterator[tuple[Level, Row]]:
    """Every row of a shape."""
    yield Level.COMPONENT, shape.component
    for event, workers in shape.events:
        yield Level.EVENT, event
        for worker in workers:
            yield Level.WORKER, worker


def parts(invariant: Invariant) -> list[Part]:
    """The conjuncts of the invariant: the three row sets, and the excluded shapes grouped by
    profile.
    """
    sets = list(_row_sets(invariant))
    names = ("components", "events", "workers")
    conjuncts = [
        Part(profile, name, rows, True)
        for name, (profile, rows) in zip(names, sets[:3], strict=True)
    ]
    for profile, rows in sets[3:]:
        conjuncts.append(Part(profile, "excluded " + "+".join(map(str, profile)), rows, False))
    return conjuncts


def _row_sets(invariant: Invariant) -> Iterator[tuple[Profile, tuple[Row, ...]]]:
    """Profiles with their rows, each row flattened: component, then each event followed by its
    workers.
    """
    yield (), tuple(sorted(invariant.components))
    yield (0,), tuple(sorted(component + event for component, event in invariant.events))
    yield (
        (1,),
        tuple(sorted(component + event + worker for component, event, worker in invariant.workers)),
    )
    grouped: dict[Profile, set[Row]] = {}
    for shape in invariant.excluded:
        profile = tuple(sorted((len(workers) for _, workers in shape.events), reverse=True))
        grouped.setdefault(profile, set()).update(_arrangements(shape))
    for profile in sorted(grouped):
        yield profile, tuple(sorted(grouped[profile]))


def _arrangements(shape: Shape) -> Iterator[Row]:
    """The values of a shape in one row, in every order that has larger events first."""
    for events in set(permutations(shape.events)):
        counts = [len(workers) for _, workers in events]
        if counts == sorted(counts, reverse=True):
            for crews in product(*(set(permutations(workers)) for _, workers in events)):
                row = list(shape.component)
                for (event, _), crew in zip(events, crews, strict=True):
                    row += event + tuple(value for worker in crew for value in worker)
                yield tuple(row)


def _columns(machine: Machine, profile: Profile) -> list[Variable]:
    """The variables of a flattened row."""
    variables = list(machine.level(Level.COMPONENT))
    for count in profile:
        variables += [*machine.level(Level.EVENT), *(machine.level(Level.WORKER) * count)]
    return variables


def cubes(rows: Iterable[Row]) -> list[tuple[frozenset[str], ...]]:
    """The same set of rows as fewer products of value sets, exactly: rows that differ in one place
    only are put together.
    """
    listed = list(rows)
    values = [sorted(set(column)) for column in zip(*listed, strict=True)]
    bit = [{value: 1 << i for i, value in enumerate(column)} for column in values]
    current = {
        tuple(number[value] for number, value in zip(bit, row, strict=True)) for row in listed
    }
    for i in reversed(range(len(values))):
        merged: dict[tuple[int, ...], int] = {}
        for cube in current:
            rest = cube[:i] + cube[i + 1 :]
            merged[rest] = merged.get(rest, 0) | cube[i]
        current = {(*rest[:i], mask, *rest[i:]) for rest, mask in merged.items()}
    values_of: list[dict[int, frozenset[str]]] = [{} for _ in values]
    for cube in current:
        for known, mask, column in zip(values_of, cube, values, strict=True):
            if mask not in known:
                known[mask] = frozenset(value for j, value in enumerate(column) if mask >> j & 1)
    order = [{mask: sorted(allowed) for mask, allowed in known.items()} for known in values_of]
    ranked = sorted(
        current, key=lambda cube: [ranks[mask] for ranks, mask in zip(order, cube, strict=True)]
    )
    return [
        tuple(known[mask] for known, mask in zip(values_of, cube, strict=True)) for cube in ranked
    ]


def _definition(machine: Machine, part: Part) -> str:
    """The function that says whether rows are in the part's set; its parameters are named after
    what they stand for. An invariant is asked about again and again: for each claim, and within
    the obligations of one.
    """
    memory = memo.current()
    question = ("set of rows", machine.variables, part)
    known: str | None = memory.get(question) if memory is not None else None
    if known is None:
        known = _set_of_rows(machine, part)
        if memory is not None:
            memory.put(question, known, len(part.rows))
    return known


def _set_of_rows(machine: Machine, part: Part) -> str:
    columns = _columns(machine, part.profile)
    names = [f"{number}.{column.name}" for number, column in enumerate(columns)]
    parameters = [
        (quote(name), variable_sort(column)) for name, column in zip(names, columns, strict=True)
    ]
    either = []
    for cube in cubes(part.rows):
        cells = zip(columns, names, cube, strict=True)
        either.append(
            terms.conj(among(column, quote(name), allowed) for column, name, allowed in cells)
        )
    return define(quote(part.function), parameters, "Bool", terms.disj(either))


def _fits(layout: Layout, part: Part, embedding: Embedding, read: Read) -> str:
    """The elements at these slots are there and break the invariant's ``part``."""
    present = []
    cells = layout.row(Place(0))
    for event, workers in embedding:
        place = Place(0, event)
        present.append(read(layout.path(place)))
        cells += layout.row(place)
        for worker in workers:
            present.append(read(layout.path(Place(0, event, worker))))
            cells += layout.row(Place(0, event, worker))
    holds = terms.call(quote(part.function), [read(cell.name) for cell in cells])
    return terms.conj((*present, terms.negate(holds) if part.good else holds))


def _choices(profile: Profile, slots: tuple[int, ...]) -> Iterator[Embedding]:
    """Every choice of distinct slots for a witness, up to exchanging events with equally many
    workers and workers of one event.
    """
    for events in permutations(range(len(slots)), len(profile)):
        pairs = list(zip(profile, events, strict=True))
        if all(left < right for (some, left), (more, right) in pairwise(pairs) if some == more):
            for workers in product(
                *(combinations(range(slots[event]), count) for count, event in pairs)
            ):
                yield tuple(zip(events, workers, strict=True))


def _placements(profile: Profile, acting: bool) -> Iterator[Embedding]:
    """Where a witness may be, see NOTE(slots), 5. ``acting``: event 0 and its worker 0 are the
    actor's.
    """
    if not acting:
        yield tuple((event, tuple(range(count))) for event, count in enumerate(profile))
        return
    yield tuple((event + 1, tuple(range(count))) for event, count in enumerate(profile))
    for count in sorted(set(profile)):
        shared = profile.index(count)
        for first in (0, 1) if count else (1,):
            embedding = [
                (event + (event < shared), tuple(range(workers)))
                for event, workers in enumerate(profile)
            ]
            embedding[shared] = (0, tuple(range(first, first + count)))
            yield tuple(embedding)


def _prelude(layout: Layout, conjuncts: list[Part], assume: bool) -> str:
    """Symbols and domains; the invariant's sets; if ``assume``, the invariant of the configuration
    before the step.
    """
    machine = layout.machine
    lines = ["(set-logic QF_BV)", *legend(layout)]
    lines += [declare(quote(layout.path(event)), "Bool") for event in layout.events(0)]
    lines += [declare(quote(cell.name), cell.sort) for cell in layout.cells()]
    lines += [claim(in_domain(cell)) for cell in layout.cells() if in_domain(cell) != terms.TRUE]
    lines.append(terms.comment("The sets of rows that the invariant consists of."))
    lines += [_definition(machine, part) for part in conjuncts]
    if assume:
        lines.append(terms.comment("The invariant holds."))
        for part in conjuncts:
            for embedding in _choices(part.profile, layout.slots[0]):
                lines.append(claim(terms.negate(_fits(layout, part, embedding, quote))))
    return "\n".join(lines)


def _symbols(layout: Layout) -> tuple[str, ...]:
    return (
        *(layout.path(event) for event in layout.events(0)),
        *(cell.name for cell in layout.cells()),
    )


def obligations(
    machine: Machine, prop: Property, invariant: Invariant, spare: int = 0
) -> tuple[Obligation, ...]:
    """All that must be unsatisfiable for ``invariant`` to prove ``prop``; ``spare`` adds slots
    beyond those needed.
    """
    return (
        *inductive_obligations(machine, invariant, spare),
        *claim_obligations(machine, prop, invariant),
    )


def inductive_obligations(
    machine: Machine, invariant: Invariant, spare: int = 0
) -> tuple[Obligation, ...]:
    """The first of them: it holds initially, and every rule preserves it."""
    conjuncts = parts(invariant)
    return (_initial(machine, conjuncts), *_steps(machine, conjuncts, spare))


def claim_obligations(
    machine: Machine, prop: Property, invariant: Invariant
) -> tuple[Obligation, ...]:
    """The last of them: it excludes the claim's bad patterns."""
    return tuple(_claims(machine, prop, parts(invariant)))


def _initial(machine: Machine, conjuncts: list[Part]) -> Obligation:
    """Initial configurations satisfy the invariant."""
    without = [part for part in conjuncts if not any(part.profile)]
    layout = Layout(machine, ((0,) * max(len(part.profile) for part in without),), optional=True)
    body = Script().remark("Every row is initial, nobody works, and the invariant does not hold.")
    for place in (Place(0), *layout.events(0)):
        body.require(initial_row(layout, place))
    broken = [
        _fits(layout, part, embedding, quote)
        for part in without
        for embedding in _placements(part.profile, False)
    ]
    body.require(terms.disj(broken))
    return Obligation(
        "initial", -1, _prelude(layout, without, False), body.text, _symbols(layout), body.formula
    )


def _steps(machine: Machine, conjuncts: list[Part], spare: int) -> Iterator[Obligation]:
    """Every rule preserves the invariant; see NOTE(slots)."""
    largest = [
        max(column) + spare
        for column in zip_longest(*(part.profile for part in conjuncts), fillvalue=0)
    ]
    layout = Layout(machine, ((largest[0] + 1, *largest, *largest[:1] * spare),), optional=True)
    prelude = _prelude(layout, conjuncts, True)
    memory = memo.current()
    asked = tuple((part.profile, part.function, part.good) for part in conjuncts)
    for index, rule in enumerate(machine.rules):
        # What is asked of a step depends on the shape of the invariant, and not on its rows.
        question = ("step", machine.variables, rule, asked, spare)
        body: tuple[str, str] | None = memory.get(question) if memory is not None else None
        if body is None:
            script = _step(layout, rule, conjuncts)
            body = (script.text, script.formula)
            if memory is not None:
                memory.put(question, body, 20)
        text = f"{terms.comment(describe(machine, index))}\n{body[0]}"
        yield Obligation(f"rule-{index}", index, prelude, text, _symbols(layout), body[1])


def _step(layout: Layout, rule: Rule, conjuncts: list[Part]) -> Script:
    """A rule fires, and the invariant does not hold afterwards."""
    acting = rule.kind is not RuleKind.COMPONENT
    actor = {RuleKind.COMPONENT: Place(0), RuleKind.EVENT: Place(0, 0)}.get(
        rule.kind, Place(0, 0, 0)
    )
    firing = fire(layout, rule, actor, None)
    body = Script()
    if acting:
        body.require(quote(layout.path(Place(0, 0))))
    body.require(firing.enabled)
    primed = set()
    for cell in layout.cells():
        if firing.after(cell.name) != quote(cell.name):
            primed.add(cell.name)
            body.define(quote(f"{cell.name}'"), cell.sort, firing.after(cell.name))

    def after(name: str) -> str:
        return quote(f"{name}'" if name in primed else name)

    body.remark("Afterwards the invariant does not hold.")
    placed = [
        (part, embedding) for part in conjuncts for embedding in _placements(part.profile, acting)
    ]
    body.require(terms.disj(_fits(layout, part, embedding, after) for part, embedding in placed))
    return body


def _claims(machine: Machine, prop: Property, conjuncts: list[Part]) -> Iterator[Obligation]:
    """The invariant excludes each bad pattern."""
    for index, pattern in enumerate(prop.bad):
        profile = tuple(len(event.workers) for event in pattern.events)
        layout = Layout(machine, (profile,), optional=True)
        (embedding,) = _placements(profile, False)
        body = Script().remark(f"The claim {prop.name} is violated (bad pattern {index}).")
        body.require(bad_at(layout, pattern, 0, embedding))
        yield Obligation(
            f"claim-{index}",
            -1,
            _prelude(layout, conjuncts, True),
            body.text,
            _symbols(layout),
            body.formula,
        )
