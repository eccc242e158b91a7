---- MODULE Design ----
\* lease_token.once, at-least-once delivery
\* 2 workers, 1 events
\* Exported by Onceproof. docs/export.md says what this is and how to run it.
\* TLC's distinct states are the states. A slot without a worker holds Free. Run TLC with -deadlock: an end is no error.
\*
\* Names of the design:
\*   payment is "payment" of the event: payment_absent is "absent", payment_present is "present"
\*   credit is "credit" of the event
\*   lease is "lease" of the event: lease_free is "free", lease_held is "held"
\*   payments is "payments" of the event: payments_ready is "ready", payments_inflight is "inflight", payments_settled is "settled", payments_lost is "lost"
\*   lease_token is "lease (token)" of the worker: lease_token_none is "none", lease_token_fresh is "fresh", lease_token_stale is "stale"
\*   at is "worker at" of the worker: at_bank_12 is "bank:12", at_bank_13 is "bank:13", at_bank_14 is "bank:14", at_bank_16 is "bank:16", at_bank_17 is "bank:17", at_bank_18 is "bank:18"
EXTENDS Naturals, FiniteSets, TLC

CONSTANTS Slots, Events, None

VARIABLES payment, credit, lease, payments, worker

vars == <<payment, credit, lease, payments, worker>>

Free == [event |-> None, lease_token |-> None, at |-> None]

Init ==
  /\ payment \in [Events -> {"absent"}]
  /\ credit \in [Events -> {0}]
  /\ lease \in [Events -> {"free"}]
  /\ payments \in [Events -> {"ready"}]
  /\ worker = [w \in Slots |-> Free]

\* line 12, bank, payments: database-failed: lease failed
bank_12_database_failed_failed(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "bank:12"
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<payment, credit, lease, payments>>

\* line 12, bank, payments: lease
bank_12(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "bank:12"
  /\ lease[e] = "free"
  /\ lease' = [lease EXCEPT ![e] = "held"]
  /\ worker' = [v \in Slots |-> IF v = w THEN [worker[w] EXCEPT !.lease_token = "fresh", !.at = "bank:13"] ELSE IF worker[v].event = e /\ worker[v].lease_token = "fresh" THEN [worker[v] EXCEPT !.lease_token = "stale"] ELSE worker[v]]
  /\ UNCHANGED <<payment, credit, payments>>

\* line 12, bank, payments: database-answer-lost: lease answer lost
bank_12_database_answer_lost_answer_lost(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "bank:12"
  /\ lease[e] = "free"
  /\ lease' = [lease EXCEPT ![e] = "held"]
  /\ worker' = [v \in Slots |-> IF v = w THEN Free ELSE IF worker[v].event = e /\ worker[v].lease_token = "fresh" THEN [worker[v] EXCEPT !.lease_token = "stale"] ELSE worker[v]]
  /\ UNCHANGED <<payment, credit, payments>>

\* line 12, bank, payments: lease held
bank_12_held(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "bank:12"
  /\ lease[e] = "held"
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<payment, credit, lease, payments>>

\* line 12, bank, payments: worker-killed
bank_12_worker_killed(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "bank:12"
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<payment, credit, lease, payments>>

\* line 13, bank, payments: database-failed: failed
bank_13_database_failed_failed(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "bank:13"
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<payment, credit, lease, payments>>

\* line 13, bank, payments: yes
bank_13_yes(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "bank:13"
  /\ credit[e] /= 0
  /\ worker' = [worker EXCEPT ![w] = [worker[w] EXCEPT !.at = "bank:14"]]
  /\ UNCHANGED <<payment, credit, lease, payments>>

\* line 13, bank, payments: no
bank_13_no(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "bank:13"
  /\ credit[e] = 0
  /\ worker' = [worker EXCEPT ![w] = [worker[w] EXCEPT !.at = "bank:16"]]
  /\ UNCHANGED <<payment, credit, lease, payments>>

\* line 13, bank, payments: worker-killed
bank_13_worker_killed(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "bank:13"
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<payment, credit, lease, payments>>

\* line 14, bank, payments: done
bank_14_done(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "bank:14"
  /\ payments' = [payments EXCEPT ![e] = "settled"]
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<payment, credit, lease>>

\* line 14, bank, payments: ack-lost: lost
bank_14_ack_lost_lost(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "bank:14"
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<payment, credit, lease, payments>>

\* line 14, bank, payments: worker-killed
bank_14_worker_killed(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "bank:14"
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<payment, credit, lease, payments>>

\* line 16, bank, payments: database-failed: payment failed
bank_16_database_failed_failed(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "bank:16"
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<payment, credit, lease, payments>>

\* line 16, bank, payments: payment
bank_16(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "bank:16"
  /\ worker[w].lease_token = "fresh"
  /\ credit' = [credit EXCEPT ![e] = (CASE credit[e] = 0 -> 1 [] (credit[e] = 1 \/ credit[e] = 2) -> 2)]
  /\ worker' = [worker EXCEPT ![w] = [worker[w] EXCEPT !.at = "bank:17"]]
  /\ UNCHANGED <<payment, lease, payments>>

\* line 16, bank, payments: database-answer-lost: payment answer lost
bank_16_database_answer_lost_answer_lost(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "bank:16"
  /\ worker[w].lease_token = "fresh"
  /\ credit' = [credit EXCEPT ![e] = (CASE credit[e] = 0 -> 1 [] (credit[e] = 1 \/ credit[e] = 2) -> 2)]
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<payment, lease, payments>>

\* line 16, bank, payments: payment rejected
bank_16_rejected(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "bank:16"
  /\ worker[w].lease_token /= "fresh"
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<payment, credit, lease, payments>>

\* line 16, bank, payments: worker-killed
bank_16_worker_killed(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "bank:16"
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<payment, credit, lease, payments>>

\* line 17, bank, payments: done
bank_17_done(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "bank:17"
  /\ payments' = [payments EXCEPT ![e] = "settled"]
  /\ worker' = [worker EXCEPT ![w] = [worker[w] EXCEPT !.at = "bank:18"]]
  /\ UNCHANGED <<payment, credit, lease>>

\* line 17, bank, payments: ack-lost: lost
bank_17_ack_lost_lost(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "bank:17"
  /\ worker' = [worker EXCEPT ![w] = [worker[w] EXCEPT !.at = "bank:18"]]
  /\ UNCHANGED <<payment, credit, lease, payments>>

\* line 17, bank, payments: worker-killed
bank_17_worker_killed(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "bank:17"
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<payment, credit, lease, payments>>

\* line 18, bank, payments: database-failed: lease failed
bank_18_database_failed_failed(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "bank:18"
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<payment, credit, lease, payments>>

\* line 18, bank, payments: lease
bank_18(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "bank:18"
  /\ lease' = [lease EXCEPT ![e] = "free"]
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<payment, credit, payments>>

\* line 18, bank, payments: worker-killed
bank_18_worker_killed(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "bank:18"
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<payment, credit, lease, payments>>

\* line 11, bank, payments: delivery
bank_11_delivery(w,e) ==
  /\ worker[w] = Free
  /\ payments[e] = "ready"
  /\ payments' = [payments EXCEPT ![e] = "inflight"]
  /\ worker' = [worker EXCEPT ![w] = [event |-> e, lease_token |-> "none", at |-> "bank:12"]]
  /\ UNCHANGED <<payment, credit, lease>>

\* bank, payments: redelivery
bank_redelivery(e) ==
  /\ payments[e] = "inflight"
  /\ payments' = [payments EXCEPT ![e] = "ready"]
  /\ UNCHANGED <<payment, credit, lease, worker>>

\* bank, payments: publisher-retry
bank_publisher_retry(e) ==
  /\ payments[e] = "settled"
  /\ payments' = [payments EXCEPT ![e] = "ready"]
  /\ UNCHANGED <<payment, credit, lease, worker>>

\* bank, payments: broker-copy
bank_broker_copy(e) ==
  /\ payments[e] = "settled"
  /\ payments' = [payments EXCEPT ![e] = "ready"]
  /\ UNCHANGED <<payment, credit, lease, worker>>

\* bank, payments: operator-replay
bank_operator_replay(e) ==
  /\ payments[e] = "settled"
  /\ payments' = [payments EXCEPT ![e] = "ready"]
  /\ UNCHANGED <<payment, credit, lease, worker>>

\* lock-expired: lease
lease_lock_expired(e) ==
  /\ lease[e] = "held"
  /\ lease' = [lease EXCEPT ![e] = "free"]
  /\ UNCHANGED <<payment, credit, payments, worker>>

Next ==
  \/ \E w \in Slots : \E e \in Events : \/ bank_12_database_failed_failed(w, e) \/ bank_12(w, e) \/ bank_12_database_answer_lost_answer_lost(w, e) \/ bank_12_held(w, e) \/ bank_12_worker_killed(w, e) \/ bank_13_database_failed_failed(w, e) \/ bank_13_yes(w, e) \/ bank_13_no(w, e) \/ bank_13_worker_killed(w, e) \/ bank_14_done(w, e) \/ bank_14_ack_lost_lost(w, e) \/ bank_14_worker_killed(w, e) \/ bank_16_database_failed_failed(w, e) \/ bank_16(w, e) \/ bank_16_database_answer_lost_answer_lost(w, e) \/ bank_16_rejected(w, e) \/ bank_16_worker_killed(w, e) \/ bank_17_done(w, e) \/ bank_17_ack_lost_lost(w, e) \/ bank_17_worker_killed(w, e) \/ bank_18_database_failed_failed(w, e) \/ bank_18(w, e) \/ bank_18_worker_killed(w, e)
  \/ \E w \in Slots : \E e \in Events : \/ bank_11_delivery(w, e)
  \/ \E e \in Events : \/ bank_redelivery(e) \/ bank_publisher_retry(e) \/ bank_broker_copy(e) \/ bank_operator_replay(e) \/ lease_lock_expired(e)

Spec == Init /\ [][Next]_vars

\* no duplicate credit
no_duplicate_credit ==
  /\ ~ (\E e1 \in Events : (credit[e1] = 2))

\* no loss of credit
no_loss_of_credit ==
  /\ ~ (\E e1 \in Events : (credit[e1] = 0 /\ (payments[e1] = "settled" \/ payments[e1] = "lost") /\ ~ (\E v \in Slots : worker[v].event = e1)))

Interchangeable == Permutations(Slots) \cup Permutations(Events)
====
