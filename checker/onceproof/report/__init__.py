"""Everything that people and programs read: from a result to text or data.

``formats/``: the formats of a result, for ``check --format``, a file each.

``review/``: the design review as a record.
``findings``: verdicts and mistakes one by one, for SARIF, JUnit, GitHub and GitLab.
``words``: words for verdicts, scopes and totals, the same in every format.
``story_groups``: the stories of a result, each once.
``story_text``: a story as lines for a terminal.
``sequence``: a story as a sequence diagram, in no particular notation.
``picture``: such a diagram as inline SVG; ``design_picture``: the parts of a design likewise.
``lines``: lines of styled text; ``terminal``: width and colors of where it is printed.
``diagnostics``: mistakes in a design as text; ``mistakes``: the page about a code.
``assumptions``, ``diff``, ``faults``, ``needs``, ``repair``: what these commands print.
``verification``: what ``verify`` prints; ``state_counts``: what ``graph`` prints.
``stepper_text``: what ``step`` prints; ``first_design``, ``first_pattern``: what ``new`` writes;
``patterns/``: the twelve patterns.
``cards``: models as a list, a card or a table; ``model_cards``: the questions a card answers.
``bug``: a bug report filled in by the tool.
``schema/``: the JSON schema of a result.
"""
