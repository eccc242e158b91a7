/*
 * invoice_email.once, at-least-once delivery
 * 2 workers, 1 events
 * Exported by Onceproof. docs/export.md says what this is and how to run it.
 * SPIN counts one state more than there are: the one before init has run. Count with spin -o2 -o3, -DNOREDUCE, -DNOCLAIM.
 *
 * Names of the design:
 *   processed is "processed" of the event: processed_absent is "absent", processed_present is "present"
 *   invoice is "invoice" of the component: invoice_absent is "absent", invoice_present is "present"
 *   invoice_status is "invoice.status" of the component: invoice_status_unset is "unset", invoice_status_queued is "queued"
 *   ready_email is "ready_email" of the event
 *   invoices is "invoices" of the event: invoices_ready is "ready", invoices_inflight is "inflight", invoices_settled is "settled", invoices_lost is "lost"
 *   at is "worker at" of the worker: at_notifier_11 is "notifier:11", at_notifier_12 is "notifier:12", at_notifier_14 is "notifier:14", at_notifier_15 is "notifier:15", at_notifier_16 is "notifier:16", at_notifier_17 is "notifier:17"
 */

#define WORKERS 2
#define EVENTS 1
#define KEYS 1
#define FREE 1  /* what on[w] is while slot w has no worker */

/* processed */
#define processed_absent 0
#define processed_present 1

/* invoice */
#define invoice_absent 0
#define invoice_present 1

/* invoice.status */
#define invoice_status_unset 0
#define invoice_status_queued 1

/* invoices */
#define invoices_ready 0
#define invoices_inflight 1
#define invoices_settled 2
#define invoices_lost 3

/* worker at */
#define at_notifier_11 0
#define at_notifier_12 1
#define at_notifier_14 2
#define at_notifier_15 3
#define at_notifier_16 4
#define at_notifier_17 5

byte processed[1] = processed_absent;
byte invoice = invoice_absent;
byte invoice_status = invoice_status_unset;
byte ready_email[1] = 0;
byte invoices[1] = invoices_ready;
byte at[WORKERS] = at_notifier_11;
byte on[WORKERS] = FREE;  /* the event that the worker in slot w works on */
hidden byte v;

inline notifier_10_delivery(w, e) { /* line 10, notifier, invoices: delivery */
  d_step { (on[w] == FREE && invoices[e] == invoices_ready) ->
    on[w] = e;
    invoices[e] = invoices_inflight;
    at[w] = at_notifier_11;
  }
}

inline notifier_11_database_failed_failed(w) { /* line 11, notifier, invoices: database-failed: failed */
  d_step { (on[w] != FREE && at[w] == at_notifier_11) ->
    at[w] = at_notifier_11;
    on[w] = FREE;
  }
}

inline notifier_11_yes(w) { /* line 11, notifier, invoices: yes */
  d_step { (on[w] != FREE && at[w] == at_notifier_11 && processed[on[w]] == processed_present) ->
    at[w] = at_notifier_12;
  }
}

inline notifier_11_no(w) { /* line 11, notifier, invoices: no */
  d_step { (on[w] != FREE && at[w] == at_notifier_11 && processed[on[w]] == processed_absent) ->
    at[w] = at_notifier_14;
  }
}

inline notifier_11_worker_killed(w) { /* line 11, notifier, invoices: worker-killed */
  d_step { (on[w] != FREE && at[w] == at_notifier_11) ->
    at[w] = at_notifier_11;
    on[w] = FREE;
  }
}

inline notifier_12_done(w) { /* line 12, notifier, invoices: done */
  d_step { (on[w] != FREE && at[w] == at_notifier_12) ->
    invoices[on[w]] = invoices_settled;
    at[w] = at_notifier_11;
    on[w] = FREE;
  }
}

inline notifier_12_ack_lost_lost(w) { /* line 12, notifier, invoices: ack-lost: lost */
  d_step { (on[w] != FREE && at[w] == at_notifier_12) ->
    at[w] = at_notifier_11;
    on[w] = FREE;
  }
}

inline notifier_12_worker_killed(w) { /* line 12, notifier, invoices: worker-killed */
  d_step { (on[w] != FREE && at[w] == at_notifier_12) ->
    at[w] = at_notifier_11;
    on[w] = FREE;
  }
}

inline notifier_14_database_failed_failed(w) { /* line 14, notifier, invoices: database-failed: invoice failed */
  d_step { (on[w] != FREE && at[w] == at_notifier_14) ->
    at[w] = at_notifier_11;
    on[w] = FREE;
  }
}

inline notifier_14(w) { /* line 14, notifier, invoices: invoice */
  d_step { (on[w] != FREE && at[w] == at_notifier_14) ->
    invoice = invoice_present;
    invoice_status = invoice_status_queued;
    at[w] = at_notifier_15;
  }
}

inline notifier_14_database_answer_lost_answer_lost(w) { /* line 14, notifier, invoices: database-answer-lost: invoice answer lost */
  d_step { (on[w] != FREE && at[w] == at_notifier_14) ->
    invoice = invoice_present;
    invoice_status = invoice_status_queued;
    at[w] = at_notifier_11;
    on[w] = FREE;
  }
}

inline notifier_14_worker_killed(w) { /* line 14, notifier, invoices: worker-killed */
  d_step { (on[w] != FREE && at[w] == at_notifier_14) ->
    at[w] = at_notifier_11;
    on[w] = FREE;
  }
}

inline notifier_15_done(w) { /* line 15, notifier, invoices: ready_email done */
  d_step { (on[w] != FREE && at[w] == at_notifier_15) ->
    ready_email[on[w]] = (ready_email[on[w]] == 0 -> 1 : 2);
    at[w] = at_notifier_16;
  }
}

inline notifier_15_answer_lost_answer_lost(w) { /* line 15, notifier, invoices: answer-lost: ready_email answer lost */
  d_step { (on[w] != FREE && at[w] == at_notifier_15) ->
    ready_email[on[w]] = (ready_email[on[w]] == 0 -> 1 : 2);
    at[w] = at_notifier_11;
    on[w] = FREE;
  }
}

inline notifier_15_effect_refused_refused(w) { /* line 15, notifier, invoices: effect-refused: ready_email refused */
  d_step { (on[w] != FREE && at[w] == at_notifier_15) ->
    at[w] = at_notifier_11;
    on[w] = FREE;
  }
}

inline notifier_15_answer_lost_request_lost(w) { /* line 15, notifier, invoices: answer-lost: ready_email request lost */
  d_step { (on[w] != FREE && at[w] == at_notifier_15) ->
    at[w] = at_notifier_11;
    on[w] = FREE;
  }
}

inline notifier_15_worker_killed(w) { /* line 15, notifier, invoices: worker-killed */
  d_step { (on[w] != FREE && at[w] == at_notifier_15) ->
    at[w] = at_notifier_11;
    on[w] = FREE;
  }
}

inline notifier_16_database_failed_failed(w) { /* line 16, notifier, invoices: database-failed: processed failed */
  d_step { (on[w] != FREE && at[w] == at_notifier_16) ->
    at[w] = at_notifier_11;
    on[w] = FREE;
  }
}

inline notifier_16(w) { /* line 16, notifier, invoices: processed */
  d_step { (on[w] != FREE && at[w] == at_notifier_16) ->
    processed[on[w]] = processed_present;
    at[w] = at_notifier_17;
  }
}

inline notifier_16_database_answer_lost_answer_lost(w) { /* line 16, notifier, invoices: database-answer-lost: processed answer lost */
  d_step { (on[w] != FREE && at[w] == at_notifier_16) ->
    processed[on[w]] = processed_present;
    at[w] = at_notifier_11;
    on[w] = FREE;
  }
}

inline notifier_16_worker_killed(w) { /* line 16, notifier, invoices: worker-killed */
  d_step { (on[w] != FREE && at[w] == at_notifier_16) ->
    at[w] = at_notifier_11;
    on[w] = FREE;
  }
}

inline notifier_17_done(w) { /* line 17, notifier, invoices: done */
  d_step { (on[w] != FREE && at[w] == at_notifier_17) ->
    invoices[on[w]] = invoices_settled;
    at[w] = at_notifier_11;
    on[w] = FREE;
  }
}

inline notifier_17_ack_lost_lost(w) { /* line 17, notifier, invoices: ack-lost: lost */
  d_step { (on[w] != FREE && at[w] == at_notifier_17) ->
    at[w] = at_notifier_11;
    on[w] = FREE;
  }
}

inline notifier_17_worker_killed(w) { /* line 17, notifier, invoices: worker-killed */
  d_step { (on[w] != FREE && at[w] == at_notifier_17) ->
    at[w] = at_notifier_11;
    on[w] = FREE;
  }
}

inline notifier_redelivery(e) { /* notifier, invoices: redelivery */
  d_step { (invoices[e] == invoices_inflight) ->
    invoices[e] = invoices_ready;
  }
}

inline notifier_publisher_retry(e) { /* notifier, invoices: publisher-retry */
  d_step { (invoices[e] == invoices_settled) ->
    invoices[e] = invoices_ready;
  }
}

inline notifier_broker_copy(e) { /* notifier, invoices: broker-copy */
  d_step { (invoices[e] == invoices_settled) ->
    invoices[e] = invoices_ready;
  }
}

inline notifier_operator_replay(e) { /* notifier, invoices: operator-replay */
  d_step { (invoices[e] == invoices_settled) ->
    invoices[e] = invoices_ready;
  }
}

proctype Worker(byte w) {
end:
  do
  :: notifier_10_delivery(w, 0)
  :: notifier_11_database_failed_failed(w)
  :: notifier_11_yes(w)
  :: notifier_11_no(w)
  :: notifier_11_worker_killed(w)
  :: notifier_12_done(w)
  :: notifier_12_ack_lost_lost(w)
  :: notifier_12_worker_killed(w)
  :: notifier_14_database_failed_failed(w)
  :: notifier_14(w)
  :: notifier_14_database_answer_lost_answer_lost(w)
  :: notifier_14_worker_killed(w)
  :: notifier_15_done(w)
  :: notifier_15_answer_lost_answer_lost(w)
  :: notifier_15_effect_refused_refused(w)
  :: notifier_15_answer_lost_request_lost(w)
  :: notifier_15_worker_killed(w)
  :: notifier_16_database_failed_failed(w)
  :: notifier_16(w)
  :: notifier_16_database_answer_lost_answer_lost(w)
  :: notifier_16_worker_killed(w)
  :: notifier_17_done(w)
  :: notifier_17_ack_lost_lost(w)
  :: notifier_17_worker_killed(w)
  od
}

proctype Event(byte e) {
end:
  do
  :: notifier_redelivery(e)
  :: notifier_publisher_retry(e)
  :: notifier_broker_copy(e)
  :: notifier_operator_replay(e)
  od
}

init {
  atomic {
    run Worker(0); run Worker(1); run Event(0)
  }
}

never no_duplicate_ready_email { /* no duplicate ready_email: ends where a bad situation is found */
  do
  :: ((ready_email[0] == 2)) -> break
  :: else
  od
}

never no_loss_of_ready_email { /* no loss of ready_email: ends where a bad situation is found */
  do
  :: ((processed[0] == processed_present && ready_email[0] == 0 && !(on[0] == 0) && !(on[1] == 0))
    || ((invoices[0] == invoices_settled || invoices[0] == invoices_lost) && processed[0] == processed_absent && ready_email[0] == 0 && !(on[0] == 0) && !(on[1] == 0))) -> break
  :: else
  od
}
