"""Written proofs, the checker in ``tools/`` that reads them, and ways to damage them."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from onceproof.engines.smt import certificate
from onceproof.engines.smt.certify import certify
from onceproof.engines.smt.solver import Z3, Effort
from onceproof.lang.source import Source
from onceproof.machine.invariant import Invariant
from onceproof.machine.slicing import deciding
from onceproof.machine.system import Machine, Property
from onceproof.verdict import certificates
from onceproof.verdict.written_proof import NAME

from support.repo import ROOT

Proof = dict[str, Any]
SCRIPT = ROOT / "tools" / "verify_certificate.py"


def _checker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify_certificate", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CHECKER = _checker()


def write_machine(folder: Path, machine: Machine, prop: Property, invariant: Invariant) -> None:
    """The certificate of a machine that no design stands behind; the invariant is one of its
    slice.
    """
    text = "\n" * 200
    subject = certificate.Subject(sha256(text.encode()).hexdigest(), prop.name, "")
    small = deciding(machine, prop)
    proof = certify(small, prop, invariant, (Z3(Effort(20)),))
    folder.mkdir(parents=True, exist_ok=True)
    certificate.write(folder, subject, small, invariant, proof)
    sources = {"m.once": Source.of("m.once", text)}
    certificates.write_text(folder, sources, "m.once", subject, (machine, prop), invariant)


def read(folder: Path) -> Proof:
    """What a written proof says."""
    data: Proof = json.loads((folder / NAME).read_text(encoding="utf-8"))
    return data


def rejection(folder: Path, data: Proof | None = None) -> str:
    """Why the checker rejects a proof, or what is put in its place; empty if it accepts it."""
    good = (folder / NAME).read_text(encoding="utf-8")
    try:
        if data is not None:
            (folder / NAME).write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
        CHECKER.verified(folder)
    except CHECKER.Rejected as rejected:
        return str(rejected) or "rejected"
    except (KeyError, TypeError, ValueError, AttributeError, StopIteration) as error:
        return f"not a proof: {error!r}"
    finally:
        (folder / NAME).write_text(good, encoding="utf-8")
    return ""


Damage = Callable[[Proof, int], bool]
"""Damages a proof at the place of this number; False if it has no such place."""


def _part(data: Proof) -> Any:
    return data["parts"][0]


def _rules(data: Proof) -> Any:
    """The rules of the machine that the first invariant is about."""
    part = _part(data)
    return (part["view"] if "view" in part else data["slice"])["machine"]["rules"]


def a_rule_is_dropped_from_the_slice(data: Proof, number: int) -> bool:
    """With its obligation, and from all lists: nothing is left that names it."""
    if "view" in _part(data) or number >= len(_rules(data)):
        return False
    del _rules(data)[number]
    del _part(data)["rules"][number]
    for entry in data["slice"]["becomes"]:
        entry[:] = [i - (i > number) for i in entry if i != number]
    return True


def a_rule_is_dropped_from_the_machine(data: Proof, number: int) -> bool:
    """And from nowhere else."""
    if number >= len(data["machine"]["rules"]):
        return False
    del data["machine"]["rules"][number]
    return True


def an_obligation_is_dropped(data: Proof, number: int) -> bool:
    """The list of rules does not have one."""
    if number >= len(_part(data)["rules"]):
        return False
    del _part(data)["rules"][number]
    return True


def a_guard_is_stronger(data: Proof, number: int) -> bool:
    """A rule of the slice cannot fire for one value for which it could."""
    places = [(r, v) for r in _rules(data) for v in r["if"]]
    if number >= len(places):
        return False
    rule, variable = places[number]
    rule["if"][variable] = rule["if"][variable][1:]
    return True


def a_test_is_added(data: Proof, number: int) -> bool:
    """A rule of the slice asks for something that the design does not ask for."""
    rules = _rules(data)
    part = _part(data)
    machine = (part["view"] if "view" in part else data["slice"])["machine"]
    shared = [v for v in machine["variables"] if v["level"] != "worker" and len(v["values"]) > 1]
    if not shared or number >= len(rules):
        return False
    variable = shared[number % len(shared)]
    known = variable["level"] == "component" or rules[number]["acts"] != "component"
    if variable["name"] in rules[number]["if"] or not known:
        return False
    rules[number]["if"][variable["name"]] = variable["values"][:-1]
    return True


def an_update_is_dropped(data: Proof, number: int) -> bool:
    """A rule of the slice changes less."""
    places = [
        (r, v)
        for r in _rules(data)
        for v in r["then"]
        if r["acts"] != "spawn" or v != "worker at"  # a new worker may be there anyway
    ]
    if number >= len(places):
        return False
    rule, variable = places[number]
    del rule["then"][variable]
    return True


def company_forbids(data: Proof, number: int) -> bool:
    """A rule of the slice waits for other workers to be gone, as the design does not."""
    rules = [r for r in _rules(data) if "unless another worker" not in r]
    rules = [r for r in rules if r["acts"] != "component"]
    if number >= len(rules):
        return False
    rules[number]["unless another worker"] = {}
    return True


def a_change_of_others_is_dropped(data: Proof, number: int) -> bool:
    """A rule of the slice does less to other workers."""
    rules = [r for r in _rules(data) if "other workers" in r]
    if number >= len(rules):
        return False
    del rules[number]["other workers"][0]
    return True


def an_initial_value_is_dropped(data: Proof, number: int) -> bool:
    """The slice starts in fewer ways."""
    variables = [v for v in data["slice"]["machine"]["variables"] if len(v["initial"]) > 1]
    if number >= len(variables):
        return False
    del variables[number]["initial"][0]
    return True


def a_rule_becomes_nothing(data: Proof, number: int) -> bool:
    """One rule of the machine is said to change nothing."""
    places = [i for i, left in enumerate(data["slice"]["becomes"]) if left]
    if number >= len(places):
        return False
    data["slice"]["becomes"][places[number]] = []
    return True


def more_is_said_to_be_forgotten(data: Proof, number: int) -> bool:
    """A variable that is there."""
    variables = data["slice"]["machine"]["variables"]
    if number >= len(variables):
        return False
    data["slice"]["forgets"][variables[number]["name"]] = "it does not matter"
    return True


def a_variable_is_forgotten(data: Proof, number: int) -> bool:
    """From the slice, all its rules and rows: as if it did not matter."""
    small = data["slice"]["machine"]
    if "view" in _part(data) or number >= len(small["variables"]):
        return False
    gone = small["variables"].pop(number)
    name, level = gone["name"], gone["level"]
    data["slice"]["forgets"][name] = "it does not matter"
    column = sum(v["level"] == level for v in small["variables"][:number])
    for rule in small["rules"]:
        rule["if"].pop(name, None)
        rule["then"].pop(name, None)
    for row in _part(data)["invariant"]["rows"][level]:
        del row[column]
    return True


def another_violation(data: Proof, number: int) -> bool:
    """The claim is about something else, wherever it is written."""
    patterns = data["violations"]
    if not data["claim"].startswith(("no duplicate ", "no loss of ")) or number >= len(patterns):
        return False
    name = data["claim"].split()[-1]
    for guard in (patterns[number]["component"], *(e["if"] for e in patterns[number]["events"])):
        for counter in {name, f"{name}#"} & guard.keys():
            guard[counter] = ["1"]
    return True


def no_violation(data: Proof, number: int) -> bool:
    """The claim says nothing."""
    if number or not data["claim"].startswith(("no duplicate ", "never ")):
        return False
    data["violations"] = []
    for part in data["parts"]:
        part["claims"] = []
    return True


def another_design(data: Proof, number: int) -> bool:
    """One line of the text is another one."""
    lines = next(iter(data["texts"].values()))
    if number >= len(lines):
        return False
    lines[number] += " "
    return True


def whether_it_fires(data: Proof, number: int) -> bool:
    """A rule that can fire is said to be one that cannot."""
    entries = [e for e in _part(data)["rules"] if "fires from" in e]
    if number >= len(entries):
        return False
    del entries[number]["fires from"]
    entries[number]["cannot fire: never"] = {}
    return True


def the_obligation_of_another_rule(data: Proof, number: int) -> bool:
    """Two files are exchanged."""
    entries = _part(data)["rules"]
    if number + 1 >= len(entries):
        return False
    one, two = entries[number], entries[number + 1]
    one["file"], two["file"] = two["file"], one["file"]
    return True


DAMAGES: tuple[Damage, ...] = (
    a_rule_is_dropped_from_the_slice,
    a_rule_is_dropped_from_the_machine,
    an_obligation_is_dropped,
    a_guard_is_stronger,
    a_test_is_added,
    an_update_is_dropped,
    company_forbids,
    a_change_of_others_is_dropped,
    an_initial_value_is_dropped,
    a_rule_becomes_nothing,
    more_is_said_to_be_forgotten,
    a_variable_is_forgotten,
    another_violation,
    no_violation,
    another_design,
    whether_it_fires,
    the_obligation_of_another_rule,
)
"""None of these leaves a proof of the claim about the design."""


def damaged(data: Proof, most: int) -> Iterator[tuple[str, Proof]]:
    """Every kind of damage, at up to ``most`` places."""
    for damage in DAMAGES:
        for number in range(most):
            copy = deepcopy(data)
            if not damage(copy, number):
                continue
            yield damage.__name__, copy
