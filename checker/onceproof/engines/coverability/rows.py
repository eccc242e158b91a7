"""Rows by number, and what a step does to bystanders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product

from onceproof.engines.coverability.names import GONE, Assign, MachineError, Tests
from onceproof.machine.invariant import Row
from onceproof.machine.system import Variable


def written(
    row: tuple[int, ...], assigns: Iterable[Assign], rows: tuple[tuple[int, ...], ...]
) -> tuple[int, ...]:
    """The row after the assignments, all of which read ``rows``."""
    after = list(row)
    for assign in assigns:
        after[assign.target] = assign.read(rows)
    return tuple(after)


class Rows:
    """The rows of one level, numbered, each with the mask of the rules whose tests of this level it
    passes.
    """

    __slots__ = ("_by_value", "_full", "_ids", "_variables", "_words", "masks", "rows")

    def __init__(self, variables: tuple[Variable, ...], tests: Sequence[Tests]) -> None:
        self._variables = variables
        self._full = (1 << len(tests)) - 1
        self._by_value = [[self._full] * len(variable.domain) for variable in variables]
        for number, rule_tests in enumerate(tests):
            for position, allowed in rule_tests:
                for value in range(len(variables[position].domain)):
                    if value not in allowed:
                        self._by_value[position][value] &= ~(1 << number)
        self._ids: dict[tuple[int, ...], int] = {}
        self._words: dict[int, Row] = {}
        self.rows: list[tuple[int, ...]] = []
        self.masks: list[int] = []

    def number(self, row: tuple[int, ...]) -> int:
        """The number of this row; a new one if it was never met."""
        number = self._ids.get(row)
        if number is None:
            number = self._ids[row] = len(self.rows)
            self.rows.append(row)
            mask = self._full
            for position, value in enumerate(row):
                mask &= self._by_value[position][value]
            self.masks.append(mask)
        return number

    def words(self, number: int) -> Row:
        """The row in the machine's own values."""
        found = self._words.get(number)
        if found is None:
            row = zip(self._variables, self.rows[number], strict=True)
            found = self._words[number] = tuple(v.domain[value] for v, value in row)
        return found

    def initial(self) -> list[int]:
        """The rows made of initial values."""
        choices = [[v.domain.index(value) for value in v.initial] for v in self._variables]
        return [self.number(row) for row in product(*choices)]


class Reaction:
    """What one step does to a bystander, that is to a worker which is not the actor: a function on
    worker rows, or ``GONE``.

    ``offenders`` are the workers that an ``alone`` guard forbids. They are removed instead, which
    keeps the system monotone (theory T4: sound for proofs; exact where each of them could silently
    crash beforehand).
    """

    __slots__ = ("_broadcasts", "_known", "_offenders", "_workers", "identity")

    def __init__(
        self,
        workers: Rows,
        offenders: Tests | None,
        broadcasts: tuple[tuple[Tests, tuple[Assign, ...] | None], ...],
    ) -> None:
        self._workers = workers
        self._offenders = offenders
        self._broadcasts = broadcasts
        self._known: dict[int, int] = {}
        self.identity = offenders is None and not broadcasts

    def offends(self, worker: int) -> bool:
        """True if the step is forbidden while this worker is there."""
        return self._offenders is not None and passes(self._workers.rows[worker], self._offenders)

    def after(self, worker: int) -> int:
        """The bystander's row after the step, or ``GONE``."""
        if self.identity:
            return worker
        if worker not in self._known:
            self._known[worker] = self._compute(worker)
        return self._known[worker]

    def _compute(self, worker: int) -> int:
        if self.offends(worker):
            return GONE
        row = self._workers.rows[worker]
        matching = [assigns for guard, assigns in self._broadcasts if passes(row, guard)]
        if len(matching) > 1:
            raise MachineError(
                f"two broadcasts of one rule match the worker {self._workers.words(worker)}"
            )
        if not matching:
            return worker
        return (
            GONE
            if matching[0] is None
            else self._workers.number(written(row, matching[0], ((), (), row)))
        )


def passes(row: tuple[int, ...], tests: Tests) -> bool:
    """The row passes all the tests."""
    return all(row[position] in allowed for position, allowed in tests)
