"""The drill: a checked design, run for real, with faults injected at the model's own places.

``session``: a whole drill: stories or random runs under each guarantee; cleans up.
``plan``: which product carries which declaration, and what cannot be shown there.
``adapters/``: one file per product: what the director and the workers ask of it.
``nursery``: the process from which workers and the provider are forked.
``worker``: a handler, walked line by line in a process of its own.
``provider``: the HTTP server behind external effects.
``proxy``: a TCP connection between one worker and one server that can be cut or held.
``stage``: the processes and products of one run: one step at a time, and every fault.
``follower``: the interpreter's states that are consistent with what has been observed.
``verdicts``: claims judged on what really is in mailboxes, ledgers and tables.
``story``: a counterexample, replayed step by step.
``campaign``: random schedules and faults, followed by the interpreter.
``journal``: what a run has made on servers, so that it is removed whatever happens.
``words``: the results as text and as data for JSON.
"""
