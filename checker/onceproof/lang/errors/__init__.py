"""The wording of every mistake: one small function per code, grouped by stage. Codes are never
reused (docs/errors.md).

``syntax``: mistakes in the text, S0xx.
``names``: names and kinds that do not fit, N1xx.
``models``: models, their options, lengths of time, and lines without effect, N14x.
``world``: databases, failing steps, locks and providers, N151 to N162; N172 and N173.
``brokers``: queues, acknowledgements, logs, and claims that select nothing, N163 to N171.
``message``: the shape that all of them have.
``shapes``: how each line of the language is written, for help texts.
``expected``: what the grammar takes next, in the reader's words.
``suggest``: "did you mean": near misses and synonyms.
``dedupe``: each mistake once, without those that only follow from another.
``pages``: the page about each code, from docs/errors.md.
"""
