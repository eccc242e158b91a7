"""The table of faults: one row for everything that can go wrong around a design.

Search, stories, cut sets and inequalities read it. The lowering and the interpreter each have rules
of their own for what a fault does: they are two readings that must be able to disagree.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from onceproof.machine.system import Cause


class FaultKind(Struct, frozen=True):
    """One kind of fault. ``singular`` and ``plural``: as it is counted.

    ``phrase``: one such fault in its place. Its fields are ``queue``, ``subject``, ``line``,
    ``gap`` (where a worker dies), ``of`` (whose worker, if there are several handlers) and
    ``retention`` (how long). ``rarity``: how hard it is to believe, from 1 (happens at every
    deployment) to 7 (takes an explanation). ``switches``: the switches of a broker model that
    a run with this fault shows.
    """

    cause: Cause
    singular: str
    plural: str
    phrase: str
    rarity: int
    switches: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The stable name, used in JSON."""
        return self.cause.value

    def counted(self, count: int) -> str:
        """``1 crash``, ``2 crashes``."""
        return f"{count} {self.singular if count == 1 else self.plural}"


_ROWS = (
    FaultKind(
        Cause.KILLED,
        "crash",
        "crashes",
        "a crash {gap}",
        1,  # every deployment and every out-of-memory kill does it
    ),
    FaultKind(
        Cause.ANSWER_LOST,
        "lost answer",
        "lost answers",
        "a lost answer to {line}",
        2,  # a time-out on a call over the network is daily business
    ),
    FaultKind(
        Cause.ACK_LOST,
        "lost acknowledgement",
        "lost acknowledgements",
        "a lost acknowledgement ({line})",
        3,  # the same time-out, but within the short window of one acknowledgement
    ),
    FaultKind(
        Cause.LEASE_EXPIRED,
        "expired lease",
        "expired leases",
        "a lease that runs out while a worker{of} is at work",
        3,  # takes a pause longer than the lease: long calls and garbage collection do give one
        ("loses_hold", "lease"),
    ),
    FaultKind(
        Cause.REFUSED,
        "refused request",
        "refused requests",
        "a refusal of {line}",
        4,  # the other side answers, and says no, which most handlers expect
    ),
    FaultKind(
        Cause.PUBLISHER_RETRY,
        "publisher retry",
        "publisher retries",
        "a second publish to {queue} under the same id",
        5,  # the time-out must hit the publisher, before the story starts
        ("publisher", "dedup_window"),
    ),
    FaultKind(
        Cause.BROKER_COPY,
        "broker copy",
        "broker copies",
        "a copy made by the broker in {queue}",
        5,  # documented by every broker and rarely seen
        ("broker_copies",),
    ),
    FaultKind(
        Cause.VANISHED,
        "vanished message",
        "vanished messages",
        "a message that vanishes from {queue}",
        5,  # takes a broker or queue that is not durable, or a consumer far behind
        ("loses", "delivery"),
    ),
    FaultKind(
        Cause.REPLAY,
        "operator replay",
        "operator replays",
        "a replay by the operator in {queue}",
        6,  # takes an operator's decision
        ("replay",),
    ),
    FaultKind(
        Cause.ABORTED_APPEARED,
        "aborted message",
        "aborted messages",
        "a message of an aborted transaction that is seen in {queue} after all",
        7,
        ("leaky_transactions", "reads_aborted"),
    ),
    FaultKind(
        Cause.BATCH_RETURNED,
        "returned batch",
        "returned batches",
        "a batch of {queue} that comes back, because another of its records failed",
        5,  # takes another record of the batch that fails
        ("batch",),
    ),
    FaultKind(
        Cause.BROKER_LOST,
        "loss by the broker",
        "losses by the broker",
        "a crash of the broker that loses a confirmed message of {queue}",
        6,  # takes a crash of the broker, within the time in which it has not written to disk
        ("loses", "durable_by"),
    ),
    FaultKind(
        Cause.BROKER_RESTARTED,
        "restart of the broker",
        "restarts of the broker",
        "a restart of the broker that forgets an acknowledgement in {queue}",
        6,
        ("unsynced_acks",),
    ),
    FaultKind(
        Cause.CONNECTION_LOST,
        "lost connection",
        "lost connections",
        "a lost connection to {queue} while a worker{of} is at work",
        3,  # networks break
        ("loses_hold",),
    ),
    FaultKind(
        Cause.FENCED,
        "moved partition",
        "moved partitions",
        "a partition of {queue} that moves while a worker{of} is at work",
        3,  # every deployment of a group moves its partitions
        ("loses_hold",),
    ),
    FaultKind(
        Cause.DATABASE_FAILED,
        "failed database step",
        "failed database steps",
        "a failure of {line}",
        4,  # lock wait time-outs and restarts do it; more believable than a copy, less than a crash
    ),
    FaultKind(
        Cause.DATABASE_ANSWER_LOST,
        "lost database answer",
        "lost database answers",
        "an answer of the database to {line} that is lost",
        5,  # the connection must break within the short window after a commit
    ),
    FaultKind(
        Cause.DEAD_LETTERED,
        "message given up",
        "messages given up",
        "a message of {queue} given up at the delivery limit",
        7,
        ("limit", "limit_end"),
    ),
    FaultKind(
        Cause.FAILOVER,
        "failover",
        "failovers",
        "a failover of {subject} that loses a row",
        7,  # true, but a reader asks how
    ),
    FaultKind(
        Cause.KEY_EXPIRED,
        "expired key",
        "expired keys",
        "the key of {subject} forgotten after {retention}",
        7,
    ),
    FaultKind(
        Cause.LATE_EFFECT,
        "late request",
        "late requests",
        "a request that takes effect after its sender died",
        7,
    ),
    FaultKind(
        Cause.LOCK_EXPIRED,
        "expired lock",
        "expired locks",
        "{subject} expires while its holder is at work",
        7,
    ),
    FaultKind(
        Cause.REQUEUED,
        "shutdown",
        "shutdowns",
        "a shutdown that gives a message of {queue} back while a worker{of} is at work",
        4,  # a shutdown that meets a handler at work
        ("loses_hold",),
    ),
    FaultKind(
        Cause.RESTARTED,
        "restart",
        "restarts",
        "a restart of the consumer of {queue}, which goes back to the committed position",
        2,  # every deployment does it; it matters only to records that were passed over
    ),
    FaultKind(
        Cause.REWOUND,
        "rewound position",
        "rewound positions",
        "a lower position that is committed in {queue}",
        6,  # takes two commits in the wrong order
        ("rewinds",),
    ),
    FaultKind(
        Cause.ROW_LOST,
        "lost cache row",
        "lost cache rows",
        "a row that the cache {subject} drops",
        7,
    ),
)

FAULTS: Mapping[Cause, FaultKind] = {row.cause: row for row in _ROWS}
"""Every fault, in the order in which sets of equally many faults are listed: first those of every
broker, what happens at every deployment before the rest; then, by name, those of some products.
"""
