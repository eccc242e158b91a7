---- MODULE Design ----
\* invoice_email.once, at-least-once delivery
\* 2 workers, 1 events
\* Exported by Onceproof. docs/export.md says what this is and how to run it.
\* TLC's distinct states are the states. A slot without a worker holds Free. Run TLC with -deadlock: an end is no error.
\*
\* Names of the design:
\*   processed is "processed" of the event: processed_absent is "absent", processed_present is "present"
\*   invoice is "invoice" of the component: invoice_absent is "absent", invoice_present is "present"
\*   invoice_status is "invoice.status" of the component: invoice_status_unset is "unset", invoice_status_queued is "queued"
\*   ready_email is "ready_email" of the event
\*   invoices is "invoices" of the event: invoices_ready is "ready", invoices_inflight is "inflight", invoices_settled is "settled", invoices_lost is "lost"
\*   at is "worker at" of the worker: at_notifier_11 is "notifier:11", at_notifier_12 is "notifier:12", at_notifier_14 is "notifier:14", at_notifier_15 is "notifier:15", at_notifier_16 is "notifier:16", at_notifier_17 is "notifier:17"
EXTENDS Naturals, FiniteSets, TLC

CONSTANTS Slots, Events, None

VARIABLES invoice, invoice_status, processed, ready_email, invoices, worker

vars == <<invoice, invoice_status, processed, ready_email, invoices, worker>>

Free == [event |-> None, at |-> None]

Init ==
  /\ invoice \in {"absent"}
  /\ invoice_status \in {"unset"}
  /\ processed \in [Events -> {"absent"}]
  /\ ready_email \in [Events -> {0}]
  /\ invoices \in [Events -> {"ready"}]
  /\ worker = [w \in Slots |-> Free]

\* line 11, notifier, invoices: database-failed: failed
notifier_11_database_failed_failed(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "notifier:11"
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<invoice, invoice_status, processed, ready_email, invoices>>

\* line 11, notifier, invoices: yes
notifier_11_yes(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "notifier:11"
  /\ processed[e] = "present"
  /\ worker' = [worker EXCEPT ![w] = [worker[w] EXCEPT !.at = "notifier:12"]]
  /\ UNCHANGED <<invoice, invoice_status, processed, ready_email, invoices>>

\* line 11, notifier, invoices: no
notifier_11_no(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "notifier:11"
  /\ processed[e] = "absent"
  /\ worker' = [worker EXCEPT ![w] = [worker[w] EXCEPT !.at = "notifier:14"]]
  /\ UNCHANGED <<invoice, invoice_status, processed, ready_email, invoices>>

\* line 11, notifier, invoices: worker-killed
notifier_11_worker_killed(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "notifier:11"
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<invoice, invoice_status, processed, ready_email, invoices>>

\* line 12, notifier, invoices: done
notifier_12_done(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "notifier:12"
  /\ invoices' = [invoices EXCEPT ![e] = "settled"]
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<invoice, invoice_status, processed, ready_email>>

\* line 12, notifier, invoices: ack-lost: lost
notifier_12_ack_lost_lost(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "notifier:12"
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<invoice, invoice_status, processed, ready_email, invoices>>

\* line 12, notifier, invoices: worker-killed
notifier_12_worker_killed(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "notifier:12"
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<invoice, invoice_status, processed, ready_email, invoices>>

\* line 14, notifier, invoices: database-failed: invoice failed
notifier_14_database_failed_failed(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "notifier:14"
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<invoice, invoice_status, processed, ready_email, invoices>>

\* line 14, notifier, invoices: invoice
notifier_14(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "notifier:14"
  /\ invoice' = "present"
  /\ invoice_status' = "queued"
  /\ worker' = [worker EXCEPT ![w] = [worker[w] EXCEPT !.at = "notifier:15"]]
  /\ UNCHANGED <<processed, ready_email, invoices>>

\* line 14, notifier, invoices: database-answer-lost: invoice answer lost
notifier_14_database_answer_lost_answer_lost(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "notifier:14"
  /\ invoice' = "present"
  /\ invoice_status' = "queued"
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<processed, ready_email, invoices>>

\* line 14, notifier, invoices: worker-killed
notifier_14_worker_killed(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "notifier:14"
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<invoice, invoice_status, processed, ready_email, invoices>>

\* line 15, notifier, invoices: ready_email done
notifier_15_done(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "notifier:15"
  /\ ready_email' = [ready_email EXCEPT ![e] = (CASE ready_email[e] = 0 -> 1 [] (ready_email[e] = 1 \/ ready_email[e] = 2) -> 2)]
  /\ worker' = [worker EXCEPT ![w] = [worker[w] EXCEPT !.at = "notifier:16"]]
  /\ UNCHANGED <<invoice, invoice_status, processed, invoices>>

\* line 15, notifier, invoices: answer-lost: ready_email answer lost
notifier_15_answer_lost_answer_lost(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "notifier:15"
  /\ ready_email' = [ready_email EXCEPT ![e] = (CASE ready_email[e] = 0 -> 1 [] (ready_email[e] = 1 \/ ready_email[e] = 2) -> 2)]
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<invoice, invoice_status, processed, invoices>>

\* line 15, notifier, invoices: effect-refused: ready_email refused
notifier_15_effect_refused_refused(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "notifier:15"
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<invoice, invoice_status, processed, ready_email, invoices>>

\* line 15, notifier, invoices: answer-lost: ready_email request lost
notifier_15_answer_lost_request_lost(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "notifier:15"
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<invoice, invoice_status, processed, ready_email, invoices>>

\* line 15, notifier, invoices: worker-killed
notifier_15_worker_killed(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "notifier:15"
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<invoice, invoice_status, processed, ready_email, invoices>>

\* line 16, notifier, invoices: database-failed: processed failed
notifier_16_database_failed_failed(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "notifier:16"
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<invoice, invoice_status, processed, ready_email, invoices>>

\* line 16, notifier, invoices: processed
notifier_16(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "notifier:16"
  /\ processed' = [processed EXCEPT ![e] = "present"]
  /\ worker' = [worker EXCEPT ![w] = [worker[w] EXCEPT !.at = "notifier:17"]]
  /\ UNCHANGED <<invoice, invoice_status, ready_email, invoices>>

\* line 16, notifier, invoices: database-answer-lost: processed answer lost
notifier_16_database_answer_lost_answer_lost(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "notifier:16"
  /\ processed' = [processed EXCEPT ![e] = "present"]
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<invoice, invoice_status, ready_email, invoices>>

\* line 16, notifier, invoices: worker-killed
notifier_16_worker_killed(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "notifier:16"
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<invoice, invoice_status, processed, ready_email, invoices>>

\* line 17, notifier, invoices: done
notifier_17_done(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "notifier:17"
  /\ invoices' = [invoices EXCEPT ![e] = "settled"]
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<invoice, invoice_status, processed, ready_email>>

\* line 17, notifier, invoices: ack-lost: lost
notifier_17_ack_lost_lost(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "notifier:17"
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<invoice, invoice_status, processed, ready_email, invoices>>

\* line 17, notifier, invoices: worker-killed
notifier_17_worker_killed(w,e) ==
  /\ worker[w].event = e
  /\ worker[w].at = "notifier:17"
  /\ worker' = [worker EXCEPT ![w] = Free]
  /\ UNCHANGED <<invoice, invoice_status, processed, ready_email, invoices>>

\* line 10, notifier, invoices: delivery
notifier_10_delivery(w,e) ==
  /\ worker[w] = Free
  /\ invoices[e] = "ready"
  /\ invoices' = [invoices EXCEPT ![e] = "inflight"]
  /\ worker' = [worker EXCEPT ![w] = [event |-> e, at |-> "notifier:11"]]
  /\ UNCHANGED <<invoice, invoice_status, processed, ready_email>>

\* notifier, invoices: redelivery
notifier_redelivery(e) ==
  /\ invoices[e] = "inflight"
  /\ invoices' = [invoices EXCEPT ![e] = "ready"]
  /\ UNCHANGED <<invoice, invoice_status, processed, ready_email, worker>>

\* notifier, invoices: publisher-retry
notifier_publisher_retry(e) ==
  /\ invoices[e] = "settled"
  /\ invoices' = [invoices EXCEPT ![e] = "ready"]
  /\ UNCHANGED <<invoice, invoice_status, processed, ready_email, worker>>

\* notifier, invoices: broker-copy
notifier_broker_copy(e) ==
  /\ invoices[e] = "settled"
  /\ invoices' = [invoices EXCEPT ![e] = "ready"]
  /\ UNCHANGED <<invoice, invoice_status, processed, ready_email, worker>>

\* notifier, invoices: operator-replay
notifier_operator_replay(e) ==
  /\ invoices[e] = "settled"
  /\ invoices' = [invoices EXCEPT ![e] = "ready"]
  /\ UNCHANGED <<invoice, invoice_status, processed, ready_email, worker>>

Next ==
  \/ \E w \in Slots : \E e \in Events : \/ notifier_11_database_failed_failed(w, e) \/ notifier_11_yes(w, e) \/ notifier_11_no(w, e) \/ notifier_11_worker_killed(w, e) \/ notifier_12_done(w, e) \/ notifier_12_ack_lost_lost(w, e) \/ notifier_12_worker_killed(w, e) \/ notifier_14_database_failed_failed(w, e) \/ notifier_14(w, e) \/ notifier_14_database_answer_lost_answer_lost(w, e) \/ notifier_14_worker_killed(w, e) \/ notifier_15_done(w, e) \/ notifier_15_answer_lost_answer_lost(w, e) \/ notifier_15_effect_refused_refused(w, e) \/ notifier_15_answer_lost_request_lost(w, e) \/ notifier_15_worker_killed(w, e) \/ notifier_16_database_failed_failed(w, e) \/ notifier_16(w, e) \/ notifier_16_database_answer_lost_answer_lost(w, e) \/ notifier_16_worker_killed(w, e) \/ notifier_17_done(w, e) \/ notifier_17_ack_lost_lost(w, e) \/ notifier_17_worker_killed(w, e)
  \/ \E w \in Slots : \E e \in Events : \/ notifier_10_delivery(w, e)
  \/ \E e \in Events : \/ notifier_redelivery(e) \/ notifier_publisher_retry(e) \/ notifier_broker_copy(e) \/ notifier_operator_replay(e)

Spec == Init /\ [][Next]_vars

\* no duplicate ready_email
no_duplicate_ready_email ==
  /\ ~ (\E e1 \in Events : (ready_email[e1] = 2))

\* no loss of ready_email
no_loss_of_ready_email ==
  /\ ~ (\E e1 \in Events : (processed[e1] = "present" /\ ready_email[e1] = 0 /\ ~ (\E v \in Slots : worker[v].event = e1)))
  /\ ~ (\E e1 \in Events : ((invoices[e1] = "settled" \/ invoices[e1] = "lost") /\ processed[e1] = "absent" /\ ready_email[e1] = 0 /\ ~ (\E v \in Slots : worker[v].event = e1)))

Interchangeable == Permutations(Slots) \cup Permutations(Events)
====
