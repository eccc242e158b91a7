"""What is decided about a claim, and which answers must agree before it is said.

``check``: from paths to one ``Result``; the main entry of the library.
``task``: what a check may spend, and one claim under one semantics to decide within that.
``decide``: the order in which the engines are asked, and the only place that makes verdicts.
``prove``: a candidate proof becomes one once a solver has checked it.
``stories``: the search for a run, with exact rules first, then with wider ones.
``refute``: a run that the search found becomes a refutation once it is validated.
``vacuity``: steps, assumptions and claims that do nothing.
``inequalities``: lengths of time that a result depends on, and facts nobody has confirmed.
``side_conditions/``: what a design must satisfy for a claim about any number.
``result``: the records that every format is made from.
``certificates``: proofs and traces written to files, for others to check.
``written_proof``: a whole proof as one text that needs no knowledge of our code.
``verification``: checks certificates: accepts what ``check`` would print, and nothing else.
``cache``: results kept between runs.
``exit_codes``: the exit code of a result.
"""
