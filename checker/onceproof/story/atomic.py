"""The words of a story for whole steps of a handler: atomic runs of lines, and where a handler goes
after a line.
"""

from __future__ import annotations

from msgspec import Struct, field

from onceproof.interpreter.broker import settle
from onceproof.interpreter.choosing import Chooser
from onceproof.interpreter.context import ATOMIC
from onceproof.interpreter.isolation import SerializationFailure
from onceproof.interpreter.rows import after_test, apply, passes, view, write
from onceproof.interpreter.state import Worker
from onceproof.lang.source import Span
from onceproof.lang.syntax import ast as n
from onceproof.machine.system import Cause
from onceproof.story.failures import failure_words, tells
from onceproof.story.names import Moment
from onceproof.story.steps import ack_words, let_words, line_words, write_words


def handler_words(m: Moment) -> str:
    """What a worker does at its line, what came of it, and whether that was the end of the
    handler.
    """
    if m.worker.idle:
        return "has nothing to do; the handler is done"
    if tells(m):
        return failure_words(m, place(m))
    if m.step.outcome == "draws its number":
        return f"draws the number of its row in `{m.step.subject}`, which is not there yet"
    if not m.worker.todo and m.ctx.processes[m.worker.process].queue is None:
        return "notes that the row is read; the relay is done"
    if not m.worker.todo:
        return (
            f"{'ends' if m.ctx.processes[m.worker.process].acks_failures else 'returns'} and "
            + ack_words(m)
        )
    if m.node is None or m.ctx.is_collected(m.worker, m.node):
        return run_words(m)
    text = line_words(m, m.node)
    ending = _ending(m, m.node)
    return f"{text}; {ending}" if ending else text


# ---------------------------------------------------------------- where a handler goes after a line


_WANTED = {"done", "yes", "no", "dropped", "reacquired", "nothing"}
"""Outcomes after which a handler goes on with the next line."""


def _clause(m: Moment, node: n.Do | n.Insert | n.UpdateIf | n.Delete) -> tuple[n.Step, ...] | None:
    """The block of the clause that an unwanted outcome runs; None if the line has none for it."""
    clauses = {c.outcome.text: c.body for c in node.clauses}
    if not isinstance(node, n.Do):
        return clauses.get(m.step.outcome)
    external = m.ctx.design.effects[node.effect.text].store is None
    refused = m.step.outcome in ("refused", "refused, stored", "refused again")
    seen = ("refused" if refused else "no answer") if external else "rejected"
    return clauses.get(seen, clauses.get("failure"))


def _ending(m: Moment, node: n.Step) -> str:
    """What becomes of the handler, where the line itself does not show it."""
    failed = bool(m.step.outcome) and m.step.outcome not in _WANTED
    if failed and isinstance(node, n.Do) and m.worker.part < node.retries:
        return "it will try again"
    if not m.gone:
        return (
            "the handler fails"
            if _only_ack_left(m) and _last_word(m, node, failed) == "fails"
            else ""
        )
    rolled = ", and its open transaction is rolled back" if m.worker.collected else ""
    match _last_word(m, node, failed):
        case "fails":
            return "the handler fails" + rolled
        case "stops":
            return "the handler stops"
        case _:
            return "the handler is done"


def _only_ack_left(m: Moment) -> bool:
    """Whether the handler is over, and its failure is acknowledged, too."""
    after = next((w for w in m.after.workers if w.number == m.worker.number), None)
    return after is not None and not after.todo and m.ctx.processes[after.process].acks_failures


def _last_word(m: Moment, node: n.Step, failed: bool) -> str:
    """``stops``, ``fails`` or ``ends``: how a handler that is over with this line got there."""
    rest = [m.ctx.blocks[f.block][f.at :] for f in m.worker.todo]
    rest[-1] = rest[-1][1:]
    if isinstance(node, n.If) and m.step.outcome == "refused":
        return "fails"
    if isinstance(node, n.If):
        at = after_test(node.condition, m.worker.part, m.step.outcome == "yes")
        rest.append(node.body if at is True else node.otherwise)
    elif (
        failed
        and isinstance(node, n.Do | n.Insert | n.UpdateIf | n.Delete)
        and (clause := _clause(m, node)) is not None
    ):
        rest.append(clause)
    elif (
        failed
        and not (isinstance(node, n.Ack | n.Renew) and node.or_else is None)
        and m.step.cause is not Cause.VANISHED
    ):
        return "stops" if getattr(node, "or_else", None) is n.OnConflict.STOP else "fails"
    while rest:
        block = rest.pop()
        if not block:
            continue
        rest.append(block[1:])
        match block[0]:
            case n.Stop():
                return "stops"
            case n.Fail():
                return "fails"
            case n.Section(_, body) | n.Atomic(_, body):
                rest.append(body)
            case _:
                pass
    return "ends"


# ---------------------------------------------------------------- the lines of an atomic block


class _Run(Struct):
    """One run of collected lines: what each line did; ``end``: how it ended (``waits``: more lines
    follow).
    """

    m: Moment
    worker: Worker
    chooser: Chooser
    phrases: list[str] = field(default_factory=list)
    lines: list[Span] = field(default_factory=list)
    end: str = ""

    def block(self, steps: tuple[n.Step, ...]) -> bool:
        """Run lines; False where the run is over."""
        return all(self.line(step) for step in steps)

    def line(self, step: n.Step) -> bool:
        """Run one line."""
        ctx, seen = self.m.ctx, view(self.m.ctx, self.m.before, self.worker)
        match step:
            case n.Stop() | n.Fail():
                self.end = "stops" if isinstance(step, n.Stop) else "fails"
                return False
            case n.Section(_, body):
                return self.block(body)
            case n.CrashHere():
                return True
        if not ctx.is_collected(self.worker, step):
            self.end = "waits"
            return False
        self.lines.append(step.span)
        if isinstance(step, n.If):
            truth = passes(ctx, seen, step.condition, self.worker.event, self.worker)
            self.phrases.append(
                f"checks `{self.m.names.text(step.condition.span)}`: {'yes' if truth else 'no'}"
            )
            return self.block(step.body if truth else step.otherwise)
        if isinstance(step, n.Let):
            self.phrases.append(let_words(self.m, step, seen))
            return True
        if ctx.posts_in(self.worker, step) is not None:
            return self.posted(step)
        # a run that waits for a row is told as if it could go on
        unlocked = self.m.before._replace(workers=())
        try:
            _, self.worker, outcome = write(ctx, unlocked, self.worker, step, self.chooser)
        except SerializationFailure:
            self.end = "fails"
            return False
        self.phrases.append(write_words(self.m, step, outcome, seen))
        return self.rejected(step, outcome) if outcome else True

    def posted(self, step: n.Step) -> bool:
        """A message that is published or acknowledged with the commit."""
        event = self.m.event
        if isinstance(step, n.Publish):
            self.phrases.append(f"publishes {event} to `{step.queue.text}` with it")
            return True
        then = step.or_else if isinstance(step, n.Ack) else None
        if then is None or settle(self.m.ctx, self.m.before, self.worker)[2] == "done":
            self.phrases.append(f"acknowledges {event} with it")
            return True
        self.phrases.append(f"tries to acknowledge {event} with it, but no longer holds it")
        return then is n.OnConflict.CONTINUE or self.rejected(step, "refused")

    def rejected(self, step: n.Step, outcome: str) -> bool:
        """Go on after an attempt that failed."""
        for clause in getattr(step, "clauses", ()):
            if clause.outcome.text == outcome or isinstance(step, n.Do):
                return self.block(clause.body)
        self.end = "stops" if getattr(step, "or_else", None) is n.OnConflict.STOP else "fails"
        return False


def run_of(m: Moment) -> _Run:
    """The run a worker is at: of the ways that are open, one that came to what the step did."""
    first: _Run | None = None
    script: tuple[int, ...] | None = ()
    while script is not None:
        run = _Run(m, m.worker, Chooser(script))
        for frame in reversed(m.worker.todo):
            block = m.ctx.blocks[frame.block][frame.at :]
            if not run.block(block) or frame.kind.startswith(ATOMIC):
                break
        if _came_to(run):
            return run
        first = first or run
        script = run.chooser.following()
    assert first is not None
    return first


def _came_to(run: _Run) -> bool:
    """Whether a run is what the step did."""
    m, outcome = run.m, run.m.step.outcome
    after = next((w for w in m.after.workers if w.number == m.worker.number), None)
    if outcome == "commit":
        done = apply(m.ctx, m.before, m.worker.event, run.worker.collected, m.worker.number)
        same = (done.rows, done.columns, done.counts) == (
            m.after.rows,
            m.after.columns,
            m.after.counts,
        )
        return run.end in ("", "stops") and same
    if run.end == "waits":
        return after is not None and after.collected == run.worker.collected
    return bool(outcome) or bool(run.end) or not run.worker.collected


def _pending(m: Moment, worker: Worker) -> str:
    """What the open block of a worker writes to next, if it writes several databases."""
    frame = next((f for f in reversed(worker.todo) if f.kind.startswith(ATOMIC)), None)
    parts = m.ctx.parts(worker.process, m.ctx.blocks[frame.block]) if frame else ()
    if len(parts) < 2:
        return ""
    collected = {m.ctx.home(w.name) for w in worker.collected}
    return next((f"the {m.ctx.design.part_words(p)} part" for p in parts if p in collected), "")


def _part_words(m: Moment, what: str, end: str) -> str:
    """The commit of one database of several."""
    after = next((w for w in m.after.workers if w.number == m.worker.number), None)
    left = _pending(m, after) if after is not None and after.collected else ""
    text = f"{what}; " if what else ""
    text += f"commits {m.step.outcome.removeprefix('commit of ')}"
    text += f", not yet {left}" if left else ""
    text += "; the handler stops" if end == "stops" and not left else ""
    return text + ("; the handler is done" if m.gone and end != "stops" else "")


def run_words(m: Moment) -> str:
    """A run of collected lines and its end."""
    run = run_of(m)
    what, end = "; ".join(run.phrases), run.end
    if m.step.outcome.startswith("commit of "):
        return _part_words(m, what, end)
    if m.step.outcome == "commit":
        stops = "; the handler stops" if end == "stops" else ""
        done = "; the handler is done" if m.gone and not stops else ""
        return (
            (f"in one transaction: {what}; commits" if what else "commits its open transaction")
            + stops
            + done
        )
    if end == "fails":
        return f"{what}; the handler fails, and its transaction is rolled back"
    if end == "waits" and run.worker.collected:
        return f"in an open transaction: {what}"
    return what + (
        "; the handler stops" if end == "stops" else "; the handler is done" if m.gone else ""
    )


def place(m: Moment) -> str:
    """The line or lines a worker is at, as a fault names them."""
    if m.worker.idle:
        return f"its end ({m.names.where(m.ctx.processes[m.worker.process].span)})"
    if not m.worker.todo:
        last = m.ctx.processes[m.worker.process].queue is None
        return (
            "the note that the row is read" if last else "the acknowledgement on return"
        ) + f" ({m.names.where(m.ctx.processes[m.worker.process].span)})"
    if m.node is None:
        part = _pending(m, m.worker)
        return f"the commit of {part or 'the block'} of line {m.ctx.line(m.worker)}"
    if not m.ctx.is_collected(m.worker, m.node):
        return m.names.quoted(m.node.span)
    run = run_of(m)
    spans, commits = (
        run.lines,
        "the commit of " if run.end in ("", "stops") and run.worker.collected else "",
    )
    return (
        f"{commits}lines {spans[0].line} to {spans[-1].line}"
        if len(spans) > 1
        else f"{commits}{m.names.quoted(m.node.span)}"
    )
