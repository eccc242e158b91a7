"""Digests without OpenSSL, which ``hashlib`` brings along and which takes longer to load than
everything digested here.
"""

from __future__ import annotations

TYPE_CHECKING = False  # an answer from the cache needs no other module

if TYPE_CHECKING:
    from hashlib import blake2b, sha256
else:
    try:
        from _blake2 import blake2b
    except ImportError:
        from hashlib import blake2b
    try:
        from _sha256 import sha256  # Python 3.11
    except ImportError:
        try:
            from _sha2 import sha256
        except ImportError:
            from hashlib import sha256

__all__ = ["blake2b", "sha256"]
