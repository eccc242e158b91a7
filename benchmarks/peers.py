"""The reference problem for other checkers: N messages, W competing workers, crashes and redelivery
at any time, a mail keyed at the provider.

    q in {ready, inflight, settled}, row and processed in {no, yes}, mail in {0, 1}, per message; a
    worker is idle or at one step of one message.

The designs here say the same as ``tests/designs/reference.once``; all tools count the same
states.
"""

from __future__ import annotations

STEPS = ("check", "write", "mail", "record", "ack")


def promela(messages: int, workers: int) -> str:
    """For SPIN."""
    take = "\n".join(
        f"  :: d_step {{ q[{m}] == 0 -> q[{m}] = 1; m = {m} }}" for m in range(messages)
    )
    again = "\n".join(f"  :: d_step {{ q[{m}] == 1 -> q[{m}] = 0 }}" for m in range(messages))
    crash = "  :: m = 0 -> goto end_idle"
    return f"""
byte q[{messages}]; bit row[{messages}]; byte mail[{messages}]; bit processed[{messages}];
active [{workers}] proctype Worker() {{ byte m;
end_idle: if
{take}
  fi;
check: if
  :: processed[m] == 1 -> goto ack
  :: processed[m] == 0
{crash}
  fi;
  if
  :: row[m] = 1
{crash}
  fi;
  if
  :: d_step {{ mail[m] = 1; assert(mail[m] < 2) }}
{crash}
  fi;
  if
  :: processed[m] = 1
{crash}
  fi;
ack: if
  :: d_step {{ q[m] = 2; assert(mail[m] >= 1); m = 0 }} -> goto end_idle
{crash}
  fi
}}
active proctype Broker() {{
end_broker: do
{again}
  od
}}
"""


def murphi(messages: int, workers: int, symmetric: bool) -> str:
    """For Rumur; ``symmetric`` declares messages and workers interchangeable."""
    kind = (lambda n: f"scalarset({n})") if symmetric else (lambda n: f"1 .. {n}")
    return f"""
type message: {kind(messages)}; worker: {kind(workers)};
  status: enum {{ ready, inflight, settled }};
  place: enum {{ idle, {", ".join("at_" + s for s in STEPS)} }};
var q: array [message] of status; row: array [message] of boolean; mail: array [message] of 0 .. 2;
  processed: array [message] of boolean; pc: array [worker] of place; on: array [worker] of message;
startstate begin
  for m: message do q[m] := ready; row[m] := false; mail[m] := 0; processed[m] := false; end;
  for w: worker do pc[w] := idle; undefine on[w]; end;
end;
ruleset w: worker do
  ruleset m: message do
    rule "take" pc[w] = idle & q[m] = ready ==> begin
      q[m] := inflight; on[w] := m; pc[w] := at_check; end;
  end;
  rule "check" pc[w] = at_check ==> begin
    if processed[on[w]] then pc[w] := at_ack; else pc[w] := at_write; end; end;
  rule "write" pc[w] = at_write ==> begin row[on[w]] := true; pc[w] := at_mail; end;
  rule "mail" pc[w] = at_mail ==> begin mail[on[w]] := 1; pc[w] := at_record; end;
  rule "record" pc[w] = at_record ==> begin processed[on[w]] := true; pc[w] := at_ack; end;
  rule "ack" pc[w] = at_ack ==> begin q[on[w]] := settled; pc[w] := idle; undefine on[w]; end;
  rule "crash" pc[w] != idle ==> begin pc[w] := idle; undefine on[w]; end;
end;
ruleset m: message do
  rule "redeliver" q[m] = inflight ==> begin q[m] := ready; end;
end;
invariant "no duplicate" forall m: message do mail[m] < 2 end;
invariant "no loss" forall m: message do q[m] = settled -> mail[m] >= 1 end;
"""


def tla(messages: int, workers: int, symmetric: bool) -> tuple[str, str]:
    """For TLC: the module and its configuration. ``symmetric`` declares messages and workers
    interchangeable.
    """
    others = {"q", "row", "mail", "processed", "pc", "on"}

    def action(name: str, condition: str, **writes: str) -> str:
        kept = ", ".join(sorted(others - writes.keys()))
        changed = [(variable, *value.split(" := ")) for variable, value in writes.items()]
        changes = " ".join(
            f"/\\ {variable}' = [{variable} EXCEPT ![{at}] = {value}]"
            for variable, at, value in changed
        )
        return f"{name} == {condition} {changes} /\\ UNCHANGED <<{kept}>>"

    idle = {"pc": 'w := "idle"', "on": "w := None"}
    actions = [
        action(
            "Take(w, m)",
            'pc[w] = "idle" /\\ q[m] = "ready"',
            q='m := "inflight"',
            pc='w := "check"',
            on="w := m",
        ),
        action(
            "Check(w)", 'pc[w] = "check"', pc='w := IF processed[on[w]] = 1 THEN "ack" ELSE "write"'
        ),
        action("Write(w)", 'pc[w] = "write"', row="on[w] := 1", pc='w := "mail"'),
        action("Mail(w)", 'pc[w] = "mail"', mail="on[w] := 1", pc='w := "record"'),
        action("Record(w)", 'pc[w] = "record"', processed="on[w] := 1", pc='w := "ack"'),
        action("Ack(w)", 'pc[w] = "ack"', q='on[w] := "settled"', **idle),
        action("Crash(w)", 'pc[w] # "idle"', **idle),
        action("Again(m)", 'q[m] = "inflight"', q='m := "ready"'),
    ]
    steps = " \\/ ".join(
        f"{name}(w)" for name in ("Check", "Write", "Mail", "Record", "Ack", "Crash")
    )
    module = "\n".join(
        [
            "---- MODULE Invoice ----",
            "EXTENDS Naturals, TLC",
            "CONSTANTS Messages, Workers, None",
            "VARIABLES q, row, mail, processed, pc, on",
            (
                'Init == /\\ q = [m \\in Messages |-> "ready"] /\\ pc = [w \\in Workers |-> "idle"]'
                " /\\ on = [w \\in Workers |-> None]"
            ),
            (
                "        /\\ row = [m \\in Messages |-> 0] /\\ mail = [m \\in Messages |-> 0] /\\"
                " processed = [m \\in Messages |-> 0]"
            ),
            *actions,
            (
                f"Next == (\\E w \\in Workers : {steps} \\/ \\E m \\in Messages : Take(w, m)) \\/"
                " \\E m \\in Messages : Again(m)"
            ),
            "Spec == Init /\\ [][Next]_<<q, row, mail, processed, pc, on>>",
            'Sound == \\A m \\in Messages : mail[m] < 2 /\\ (q[m] = "settled" => mail[m] >= 1)',
            "Alike == Permutations(Messages) \\cup Permutations(Workers)",
            "====",
            "",
        ]
    )
    names = [
        ", ".join(f"{kind}{i}" for i in range(many))
        for kind, many in (("m", messages), ("w", workers))
    ]
    config = [
        "SPECIFICATION Spec",
        f"CONSTANTS Messages = {{{names[0]}}} Workers = {{{names[1]}}} None = None",
        "INVARIANT Sound",
    ]
    return module, "\n".join([*config, *(["SYMMETRY Alike"] if symmetric else []), ""])
