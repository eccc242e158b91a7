"""Why a verdict is as it is.

``proof/``: why a claim holds, in facts that a solver has checked.
``violation``: which steps break it, and what each guard in their way saw.
``impossibility``: why no handler does better.
``narrative``: a validated counterexample with all that reports show of it, made once.
"""
