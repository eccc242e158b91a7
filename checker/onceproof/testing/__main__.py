"""The child process of a crash test: ``python -m onceproof.testing MODULE:FUNCTION [--kill
after|before MODULE:FUNCTION]``.
"""

import sys

from onceproof.testing import main

main(sys.argv[1:])
