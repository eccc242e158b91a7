"""Models for people: the list, one model's card, and the table of what is known about each. Text,
JSON and Markdown.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from onceproof.models import BEHAVIOURS, Model, Provider
from onceproof.report.model_cards import answers
from onceproof.report.words import markdown_cell, markdown_code

TITLES: Mapping[str, str] = {
    "brokers": "Brokers",
    "stores": "Stores",
    "locks": "Locks",
    "providers": "Providers",
}
KINDS: Mapping[str, str] = {
    "queue": "Queues",
    "log": "Logs",
    "pubsub": "Publish and subscribe",
    "taskqueue": "Task queues",
    "workflow": "Workflow engines",
    "webhook": "Webhooks",
    "publish": "Publishers",
    "store": "Stores",
    "lock": "Locks",
    "provider": "Providers",
}
"""What a group of models is called, in the order of the list."""
WEAKEST = ("unconfirmed", "derived", "documented", "confirmed by test")


def groups(models: Iterable[Model]) -> Iterator[tuple[str, list[Model]]]:
    """Models by kind, in the order of the list."""
    every = sorted(models, key=lambda m: m.name)
    for kind, title in KINDS.items():
        if group := [m for m in every if m.kind == kind]:
            yield title, group


# ---------------------------------------------------------------- text


def list_text(models: Iterable[Model]) -> str:
    """One line per model."""
    every = list(models)
    wide = max((len(m.name) for m in every), default=0)
    parts = []
    for title, group in groups(every):
        lines = [f"  {m.name:<{wide}}  {m.title}{' (your own)' if m.is_own else ''}" for m in group]
        parts.append("\n".join([title, *lines]))
    return "\n\n".join(parts)


def card_text(model: Model, width: int) -> str:
    """The card of one model."""
    lines = [
        f"{model.name}: {model.title}"
        + (f" (your own, models/{model.path})" if model.is_own else "")
    ]
    lines += [*_wrapped(model.summary, width, "  "), ""]
    pairs = answers(model)
    wide = max(len(question) for question, _ in pairs)
    for question, answer in pairs:
        lines += _wrapped(answer, width, f"  {question:<{wide}}  ")
    if model.options:
        lines += ["", "Options"]
        for option in model.options.values():
            lines.append(f"  {option.name} = {option.default}  ({_type(option)}; {option.status})")
            lines += _wrapped(option.meaning, width, "    ")
            lines += [
                line
                for text in _changes(model, option.name)
                for line in _wrapped(text, width, "    ")
            ]
    if model.facts:
        lines += ["", "What is known"]
        for behaviour in BEHAVIOURS:
            facts = [f for f in model.facts if f.behaviour == behaviour]
            lines += [f"  {behaviour}"] if facts else []
            for fact in facts:
                lines += _wrapped(fact.text, width, "    - ")
                lines += _wrapped(
                    f"{fact.status} · {fact.test or model.sources[fact.source].url}",
                    width,
                    "      ",
                )
    return "\n".join(lines)


def _wrapped(text: str, width: int, start: str) -> list[str]:
    wrapped = textwrap.wrap(
        text, width - len(start), break_long_words=False, break_on_hyphens=False
    )
    return [(start if not i else " " * len(start)) + line for i, line in enumerate(wrapped)]


def _type(option: Any) -> str:
    return " | ".join(option.choices) if option.choices else str(option.kind)


def _changes(model: Model, name: str) -> Iterator[str]:
    """What the values of an option change in the card's answers."""
    option = model.options[name]
    usual = dict(answers(model))
    for value, table in (
        (value, table) for value, tables in option.sets.items() for table in tables
    ):
        value_text = {"given": _example(option)}.get(value, value)
        given = {name: value_text, **table.get("if", {})}
        before = dict(answers(model, table.get("if", {}))) if table.get("if") else usual
        changed = [f"{q}: {a}" for q, a in answers(model, given) if before.get(q) != a]
        if changed and value != "default":
            where = (
                " with " + ", ".join(f"{k}={v}" for k, v in table["if"].items())
                if table.get("if")
                else ""
            )
            yield f"{'given' if value == 'given' else '= ' + value}{where} → {'; '.join(changed)}"


def _example(option: Any) -> str:
    return {"duration": option.default if option.default != "none" else "1h", "count": "5"}.get(
        option.kind, "x"
    )


# ---------------------------------------------------------------- JSON


def as_data(model: Model) -> dict[str, Any]:
    """Everything a model says, as plain data."""
    data: dict[str, Any] = {
        "name": model.name,
        "title": model.title,
        "kind": model.kind,
        "summary": model.summary,
        "own": model.is_own,
        "machine": dict(model.machine),
        "answers": dict(answers(model)),
        "options": {
            o.name: {
                "kind": o.kind,
                "default": o.default,
                "choices": list(o.choices),
                "meaning": o.meaning,
                "status": o.status,
                "source": model.sources[o.source].url,
                "set": {v: [dict(t) for t in tables] for v, tables in o.sets.items()},
            }
            for o in model.options.values()
        },
        "facts": [
            {
                "id": f.id,
                "behaviour": f.behaviour,
                "text": f.text,
                "status": f.status,
                "source": model.sources[f.source].url,
                "switches": list(f.switches),
                "test": f.test,
            }
            for f in model.facts
        ],
        "sources": {s.name: {"url": s.url, "read": s.read} for s in model.sources.values()},
    }
    if isinstance(model, Provider):
        data["keys"] = {
            "kept": model.keys,
            "status": model.status,
            "source": model.source,
            "note": model.note,
        }
    return data


def to_json(models: Iterable[Model]) -> str:
    """Models as one JSON document."""
    every = sorted(models, key=lambda m: m.name)
    return json.dumps(
        {"schema": "onceproof/models/1", "models": [as_data(m) for m in every]},
        indent=2,
        ensure_ascii=False,
    )


# ---------------------------------------------------------------- Markdown


def card_markdown(model: Model, level: int = 1) -> str:
    """The card of one model as a section of a page."""
    lines = [
        f"{'#' * level} {markdown_cell(model.name)}",
        "",
        f"{markdown_cell(model.title)}: {markdown_cell(model.summary)}.",
        "",
        "| | |",
        "|---|---|",
    ]
    lines += [f"| {question} | {markdown_cell(answer)} |" for question, answer in answers(model)]
    if model.options:
        lines += ["", "| option | default | meaning | how sure |", "|---|---|---|---|"]
        for o in model.options.values():
            changes = "".join(f" *{markdown_cell(text)}.*" for text in _changes(model, o.name))
            meaning = f"{markdown_cell(o.meaning)}.{changes}"
            option = f"| {markdown_code(o.name)} | {markdown_code(o.default)}"
            lines.append(f"{option} | {meaning} | {o.status} |")
    if model.facts:
        lines += [""]
        for behaviour in BEHAVIOURS:
            for f in (f for f in model.facts if f.behaviour == behaviour):
                how = f"[{f.status}]({_address(model.sources[f.source].url)})"
                how += f" ({markdown_code(f.test.split('::')[0])})" if f.test else ""
                lines.append(f"- **{behaviour}**: {markdown_cell(f.text)} {how}")
    return "\n".join(lines) + "\n"


def _address(url: str) -> str:
    """An address that ends where the link does."""
    return quote(url, safe=":/?#[]@!$&'*+,;=%~-._")


def coverage(models: Iterable[Model]) -> str:
    """The table of models and behaviours, as Markdown: what is known, and how surely."""
    lines = []
    for title, group in groups(m for m in models if not isinstance(m, Provider)):
        lines += [
            f"### {title}",
            "",
            "| model | " + " | ".join(BEHAVIOURS) + " |",
            "|---" * (len(BEHAVIOURS) + 1) + "|",
        ]
        for model in group:
            cells = [_counted(model, behaviour) for behaviour in BEHAVIOURS]
            lines.append(f"| {markdown_code(model.name)} | " + " | ".join(cells) + " |")
        lines.append("")
    providers = [m for m in models if isinstance(m, Provider)]
    if providers:
        lines += ["### Providers", "", "| model | keys are kept | how sure |", "|---|---|---|"]
        lines += [
            f"| {markdown_code(m.name)} | {markdown_cell(m.keys)} | {m.status} |"
            for m in sorted(providers, key=lambda m: m.name)
        ]
    return "\n".join(lines).rstrip("\n") + "\n"


def guarantees(models: Iterable[Model]) -> str:
    """The tables of models and what each guarantees, as Markdown: the questions of the cards."""
    lines = []
    for title, group in groups(models):
        questions = list(dict.fromkeys(q for model in group for q, _ in answers(model)))
        head = ["model", *questions]
        lines += [f"## {title}", "", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
        for model in group:
            said = dict(answers(model))
            cells = [markdown_cell(said.get(question, "–")) for question in questions]
            lines.append(f"| {markdown_code(model.name)} | {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines).rstrip("\n") + "\n"


def _counted(model: Model, behaviour: str) -> str:
    facts = [f for f in model.facts if f.behaviour == behaviour]
    by_status = [(status, sum(f.status == status for f in facts)) for status in reversed(WEAKEST)]
    return ", ".join(
        f"{status} ({count})" if count > 1 else status for status, count in by_status if count
    )
