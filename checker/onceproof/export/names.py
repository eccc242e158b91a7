"""Names of a design as identifiers of other languages: readable, unique, and reversible by a table
in the model.

One mangling for all languages. Whatever is not a letter or a digit becomes ``_``; the counters
behind claims end in ``_count``; values begin with their variable's name, because most of the
languages have one space of names for all enumerations. Two names that would become equal (upper and
lower case counted as equal) are told apart by a number. No identifier has two ``_`` side by side:
what a writer makes of an identifier (an old value, one event's copy of a variable) has them, so it
meets no other.
"""

from __future__ import annotations

import re

from msgspec import Struct, field

from onceproof.machine.system import Machine, Property, Variable

_TAKEN = """
    active assert atomic bit bool break byte chan d_step do else empty enabled end fi for full
    hidden if init inline int len local ltl mtype nempty never nfull notrace np_ od of pc_value
    pid printf priority proctype provided return run select short show skip timeout trace true
    false typedef unless unsigned xr xs eval goto always eventually until weakuntil stronguntil
    release implies equivalent

    alias array assume begin boolean by case clear const cover elsif endalias endfor endfunction
    endif endprocedure endrecord endrule endruleset endstartstate endswitch endwhile enum error
    exists forall from function invariant isundefined liveness max_state min_state multiset
    procedure process program property put record rule ruleset scalarset startstate switch then to
    type undefine union var while

    action assumption axiom boolean choose constant constants corollary domain except extends in
    instance lambda lemma let local module new obvious omitted other pick proof proposition prove
    qed recursive sf_ state strong_fairness subset suffices symmetry theorem unchanged variable
    variables wf_ with

    module define mdefine ivar frozenvar initial trans invar spec ctlspec ltlspec pslspec compute
    name invarspec fairness justice compassion isa assign constraint simpwff ctlwff ltlwff pslwff
    compwff in min max mirror pred predicates word1 word signed unsigned extend resize sizeof
    uwconst swconst count abs self case esac next mod union xor xnor bool integer real toint
    parity floor abf abg ebf ebg ax ex af ef ag eg bu a e f g h o s t u v x y z

    worker workers event events key keys slot slots free on works w e k v step idle old start spec
    system component bad none no_event vars fair
"""
"""Words of Promela, of Murphi, of TLA+, of SMV, and those that our models use themselves."""

RESERVED = frozenset(_TAKEN.split())


def _base(text: str) -> str:
    """The readable part of an identifier."""
    text = re.sub(r"^worker ", "", text)
    text = text.replace("#", "_count")
    identifier = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")
    if not identifier:
        return "none_given"
    # The models use one letter and a number (e0, w1) for events and slots.
    return f"its_{identifier}" if re.match(r"[a-z]?\d", identifier) else identifier


def numeric(variable: Variable) -> bool:
    """A counter: its values are 0, 1, 2 … and are written as numbers."""
    return len(variable.domain) > 1 and variable.domain == tuple(
        str(i) for i in range(len(variable.domain))
    )


class _Pool(Struct):
    """Hands out identifiers, each once."""

    taken: set[str] = field(default_factory=set)

    def take(self, text: str) -> str:
        base, number = _base(text), 1
        identifier = base
        while identifier.lower() in self.taken or identifier.lower() in RESERVED:
            number += 1
            identifier = f"{base}_{number}"
        self.taken.add(identifier.lower())
        return identifier


class Names(Struct, frozen=True):
    """The identifiers of a machine: variables by name, values by variable and value, rules and
    claims by position.
    """

    variables: dict[str, str]
    values: dict[tuple[str, str], str]
    rules: tuple[str, ...]
    claims: tuple[str, ...]

    def table(self, machine: Machine) -> list[str]:
        """What each identifier is called in the design, one line per variable."""
        lines = []
        for variable in machine.variables:
            line = (
                f'{self.variables[variable.name]} is "{variable.name}" of the'
                f" {variable.level.value}"
            )
            if not numeric(variable):
                line += ": " + ", ".join(
                    f'{self.values[variable.name, x]} is "{x}"' for x in variable.domain
                )
            lines.append(line)
        return lines


def names_of(machine: Machine, claims: tuple[Property, ...]) -> Names:
    """Identifiers for everything in a machine and its claims."""
    pool = _Pool()
    variables = {v.name: pool.take(v.name) for v in machine.variables}
    values = {
        (v.name, x): x if numeric(v) else pool.take(f"{variables[v.name]}_{x or 'empty'}")
        for v in machine.variables
        for x in v.domain
    }
    rules = []
    for rule in machine.rules:
        act = rule.action
        words = [
            act.process or act.queue or act.subject,
            f"{act.line}" if act.line else "",
            act.cause.value,
            act.outcome,
        ]
        rules.append(pool.take(" ".join(x for x in words if x and x != "handler")))
    return Names(variables, values, tuple(rules), tuple(pool.take(c.name) for c in claims))
