"""The ways through a syntax tree reach the same steps, whatever they stand in."""

from __future__ import annotations

from onceproof.lang.source import Source
from onceproof.lang.syntax import ast as n
from onceproof.lang.syntax.parser import parse
from onceproof.lang.syntax.visit import Steps, blocks, rewrite, walk

TEXT = """consumer c on q
  if id in s
    nack
  else if id in t
    nack
  else
    nack
  atomic
    insert id into s
      on duplicate
        nack
    update t.status from open to done
      on conflict
        nack
  delete id from s
    on missing
      nack
  send mail
    on failure
      nack
  section critical
    nack
  use rest
  nack
"""


def body() -> Steps:
    """The steps of the handler."""
    tree, mistakes = parse(Source.of("d.once", TEXT))
    assert not mistakes
    handler = tree.items[0]
    assert isinstance(handler, n.ConsumerDecl)
    return handler.body


def nacks(steps: Steps) -> list[int]:
    """The lines of the steps that are looked for."""
    return [step.span.line for step in walk(steps) if isinstance(step, n.Nack)]


def test_walk_and_blocks_reach_every_step() -> None:
    lines = [i for i, line in enumerate(TEXT.splitlines(), start=1) if line.strip() == "nack"]
    assert nacks(body()) == lines
    inside = [step for block, _ in blocks(body()) for step in block]
    assert sorted(s.span.line for s in (*body(), *inside)) == sorted(
        s.span.line for s in walk(body())
    )


def test_a_block_has_the_line_above_it() -> None:
    lines = TEXT.splitlines()
    for block, header in blocks(body()):
        if block and block[0].span.line - header.line == 1:
            depth = len(lines[header.line - 1]) - len(lines[header.line - 1].lstrip())
            assert lines[block[0].span.line - 1].startswith(" " * (depth + 1))
    headers = {header.line for _, header in blocks(body())}
    assert {lines[i - 1].split()[0] for i in headers} == {"if", "else", "atomic", "on", "section"}


def test_rewrite_reaches_every_step() -> None:
    assert rewrite(body(), lambda _: None) == body()
    assert nacks(rewrite(body(), lambda s: () if isinstance(s, n.Nack) else None)) == []
    lines = nacks(body())
    for line in lines:
        without = rewrite(body(), lambda s, line=line: () if s.span.line == line else None)
        assert nacks(without) == [other for other in lines if other != line]


def test_a_fragment_is_followed_once() -> None:
    tree, mistakes = parse(Source.of("d.once", "fragment rest\n  nack\n  use rest\n"))
    assert not mistakes
    fragment = tree.items[0]
    assert isinstance(fragment, n.FragmentDecl)
    steps = list(walk(body(), {"rest": fragment}))
    assert sum(isinstance(s, n.Nack) for s in steps) == len(nacks(body())) + 1
    assert sum(isinstance(s, n.Use) for s in steps) == 2
