"""The parts of a design as inline SVG: queues left, handlers in the middle, stores and providers
right; the place where a crash is fatal is marked. Classes only, like ``picture``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from msgspec import Struct

from onceproof.report.words import clean
from onceproof.story.outline import Outline

WIDTH, BOX, HEIGHT, GAP = 780, 190, 40, 14
"""Of the picture, of a box, and between boxes, in pixels."""
LEFT, MIDDLE, RIGHT = 4, 290, WIDTH - BOX - 4
NAME, CAPTION = 22, 27
"""Letters that fit into a box."""


class _Box(Struct, frozen=True):
    """A box. ``caption``: a second line; ``fatal``: a crash in it breaks a claim."""

    name: str
    kind: str
    x: int
    y: int
    caption: str = ""
    fatal: bool = False

    @property
    def middle(self) -> int:
        """Its height at half."""
        return self.y + HEIGHT // 2


def design_picture(
    outline: Outline, fatal: Mapping[str, int], title: str, name: str, models: Mapping[str, str]
) -> str:
    """The picture. ``fatal``: the line before which a handler is killed in a story, by handler;
    ``name`` begins the ids of title and description; ``models``: what stands behind queues and
    stores.
    """
    boxes = _boxes(outline, fatal, models)
    height = max(b.y for b in boxes.values()) + HEIGHT + 6 if boxes else HEIGHT
    lines = [
        f'<svg class="diagram parts" role="img" aria-labelledby="{name}-t {name}-d"'
        f' viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">',
        f'<title id="{name}-t">The parts of {escape(clean(title, True))}</title>',
        f'<desc id="{name}-d">{escape(clean(_described(outline, fatal), True))}</desc>',
        *_arrows(outline, boxes),
        *(line for box in boxes.values() for line in _drawn(box)),
        "</svg>",
    ]
    return "\n".join(lines)


def _boxes(
    outline: Outline, fatal: Mapping[str, int], models: Mapping[str, str]
) -> dict[str, _Box]:
    right = [(x, "store", models.get(x, "store")) for x in outline.stores]
    right += [(x, "lock", models.get(x, "lock")) for x in outline.locks]
    for effect in outline.effects:
        behind = f"row in {effect.store}" if effect.store else f"at {effect.provider}"
        right.append((effect.name, "store" if effect.store else "provider", behind))
    columns = (
        (LEFT, [(x, "broker", models.get(x, "queue")) for x in outline.queues]),
        (
            MIDDLE,
            [
                (x, "worker", f"✗ killed before line {fatal[x]}" if x in fatal else "handler")
                for x in outline.processes
            ],
        ),
        (RIGHT, right),
    )
    most = max(len(parts) for _, parts in columns)
    boxes = {}
    for x, parts in columns:
        top = 4 + (most - len(parts)) * (HEIGHT + GAP) // 2
        for number, (name, kind, caption) in enumerate(parts):
            y = top + number * (HEIGHT + GAP)
            boxes[name] = _Box(name, kind, x, y, caption, name in fatal)
    return boxes


def _arrows(outline: Outline, boxes: Mapping[str, _Box]) -> Iterator[str]:
    for flow in outline.flows:
        if flow.start not in boxes or flow.end not in boxes:
            continue
        start, end = boxes[flow.start], boxes[flow.end]
        style = "arrow late" if flow.kind in ("reads", "locks", "starts") else "arrow"
        if flow.kind == "reads" and any(
            other.kind in ("writes", "does") and (other.start, other.end) == (flow.start, flow.end)
            for other in outline.flows
        ):
            continue
        to_right = start.x < end.x
        a = start.x + (BOX if to_right else 0)
        b = end.x + (0 if to_right else BOX)
        # Arrows back to a queue leave room for those that come from it.
        shift = 9 if flow.kind == "publishes" else -5 if flow.kind == "delivers" else 0
        y, z, tip = start.middle + shift, end.middle + shift, -8 if to_right else 8
        yield (
            f'<path class="{style}" d="M{a} {y}C{(a + b) // 2} {y} {(a + b) // 2} {z} {b + tip}'
            f' {z}"/>'
        )
        yield f'<path class="tip" d="M{b} {z}l{tip} -5v10z"/>'


def _drawn(box: _Box) -> Iterator[str]:
    fatal = " fatal" if box.fatal else ""
    radius = 18 if box.kind == "worker" else 4
    yield (
        f'<rect class="head {box.kind}{fatal}" x="{box.x}" y="{box.y}" width="{BOX}"'
        f' height="{HEIGHT}" rx="{radius}"/>'
    )
    x = box.x + BOX // 2
    yield _text(x, box.y + 17, _cut(box.name, NAME), "name")
    yield _text(x, box.y + 33, _cut(box.caption, CAPTION), f"caption{fatal}")


def _text(x: int, y: int, text: str, style: str) -> str:
    return (
        f'<text class="{style}" x="{x}" y="{y}" text-anchor="middle">'
        f"{escape(clean(text, True))}</text>"
    )


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _described(outline: Outline, fatal: Mapping[str, int]) -> str:
    """The picture in a sentence per arrow."""
    verbs = {"delivers": "delivers to", "does": "makes happen", "starts": "starts"}
    said = [f"{f.start} {verbs.get(f.kind, f.kind)} {f.end}" for f in outline.flows]
    said += [f"a crash of {name} before line {line} is fatal" for name, line in fatal.items()]
    return ". ".join(said) + "."
