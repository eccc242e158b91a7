"""A question that is hard for a solver."""

from __future__ import annotations


def pigeons(count: int) -> str:
    """So many pigeons in one hole less: hard without an idea."""
    lines = ["(set-logic QF_BV)"]
    lines += [f"(declare-fun p{i}_{j} () Bool)" for i in range(count) for j in range(count - 1)]
    lines += [
        f"(assert (or {' '.join(f'p{i}_{j}' for j in range(count - 1))}))" for i in range(count)
    ]
    for j in range(count - 1):
        lines += [f"(assert (not (and p{i}_{j} p{k}_{j})))" for i in range(count) for k in range(i)]
    return "\n".join(lines)
