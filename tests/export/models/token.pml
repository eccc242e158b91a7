/*
 * lease_token.once, at-least-once delivery
 * 2 workers, 1 events
 * Exported by Onceproof. docs/export.md says what this is and how to run it.
 * SPIN counts one state more than there are: the one before init has run. Count with spin -o2 -o3, -DNOREDUCE, -DNOCLAIM.
 *
 * Names of the design:
 *   payment is "payment" of the event: payment_absent is "absent", payment_present is "present"
 *   credit is "credit" of the event
 *   lease is "lease" of the event: lease_free is "free", lease_held is "held"
 *   payments is "payments" of the event: payments_ready is "ready", payments_inflight is "inflight", payments_settled is "settled", payments_lost is "lost"
 *   lease_token is "lease (token)" of the worker: lease_token_none is "none", lease_token_fresh is "fresh", lease_token_stale is "stale"
 *   at is "worker at" of the worker: at_bank_12 is "bank:12", at_bank_13 is "bank:13", at_bank_14 is "bank:14", at_bank_16 is "bank:16", at_bank_17 is "bank:17", at_bank_18 is "bank:18"
 */

#define WORKERS 2
#define EVENTS 1
#define KEYS 1
#define FREE 1  /* what on[w] is while slot w has no worker */

/* payment */
#define payment_absent 0
#define payment_present 1

/* lease */
#define lease_free 0
#define lease_held 1

/* payments */
#define payments_ready 0
#define payments_inflight 1
#define payments_settled 2
#define payments_lost 3

/* lease (token) */
#define lease_token_none 0
#define lease_token_fresh 1
#define lease_token_stale 2

/* worker at */
#define at_bank_12 0
#define at_bank_13 1
#define at_bank_14 2
#define at_bank_16 3
#define at_bank_17 4
#define at_bank_18 5

byte payment[1] = payment_absent;
byte credit[1] = 0;
byte lease[1] = lease_free;
byte payments[1] = payments_ready;
byte lease_token[WORKERS] = lease_token_none;
byte at[WORKERS] = at_bank_12;
byte on[WORKERS] = FREE;  /* the event that the worker in slot w works on */
hidden byte v;

inline bank_11_delivery(w, e) { /* line 11, bank, payments: delivery */
  d_step { (on[w] == FREE && payments[e] == payments_ready) ->
    on[w] = e;
    payments[e] = payments_inflight;
    at[w] = at_bank_12;
  }
}

inline bank_12_database_failed_failed(w) { /* line 12, bank, payments: database-failed: lease failed */
  d_step { (on[w] != FREE && at[w] == at_bank_12) ->
    lease_token[w] = lease_token_none;
    at[w] = at_bank_12;
    on[w] = FREE;
  }
}

inline bank_12(w) { /* line 12, bank, payments: lease */
  d_step { (on[w] != FREE && at[w] == at_bank_12 && lease[on[w]] == lease_free) ->
    for (v : 0 .. WORKERS - 1) {
      if
      :: (v != w && on[v] == on[w] && lease_token[v] == lease_token_fresh) -> lease_token[v] = lease_token_stale
      :: else -> skip
      fi
    };
    v = 0;
    lease[on[w]] = lease_held;
    lease_token[w] = lease_token_fresh;
    at[w] = at_bank_13;
  }
}

inline bank_12_database_answer_lost_answer_lost(w) { /* line 12, bank, payments: database-answer-lost: lease answer lost */
  d_step { (on[w] != FREE && at[w] == at_bank_12 && lease[on[w]] == lease_free) ->
    for (v : 0 .. WORKERS - 1) {
      if
      :: (v != w && on[v] == on[w] && lease_token[v] == lease_token_fresh) -> lease_token[v] = lease_token_stale
      :: else -> skip
      fi
    };
    v = 0;
    lease[on[w]] = lease_held;
    lease_token[w] = lease_token_none;
    at[w] = at_bank_12;
    on[w] = FREE;
  }
}

inline bank_12_held(w) { /* line 12, bank, payments: lease held */
  d_step { (on[w] != FREE && at[w] == at_bank_12 && lease[on[w]] == lease_held) ->
    lease_token[w] = lease_token_none;
    at[w] = at_bank_12;
    on[w] = FREE;
  }
}

inline bank_12_worker_killed(w) { /* line 12, bank, payments: worker-killed */
  d_step { (on[w] != FREE && at[w] == at_bank_12) ->
    lease_token[w] = lease_token_none;
    at[w] = at_bank_12;
    on[w] = FREE;
  }
}

inline bank_13_database_failed_failed(w) { /* line 13, bank, payments: database-failed: failed */
  d_step { (on[w] != FREE && at[w] == at_bank_13) ->
    lease_token[w] = lease_token_none;
    at[w] = at_bank_12;
    on[w] = FREE;
  }
}

inline bank_13_yes(w) { /* line 13, bank, payments: yes */
  d_step { (on[w] != FREE && at[w] == at_bank_13 && credit[on[w]] != 0) ->
    at[w] = at_bank_14;
  }
}

inline bank_13_no(w) { /* line 13, bank, payments: no */
  d_step { (on[w] != FREE && at[w] == at_bank_13 && credit[on[w]] == 0) ->
    at[w] = at_bank_16;
  }
}

inline bank_13_worker_killed(w) { /* line 13, bank, payments: worker-killed */
  d_step { (on[w] != FREE && at[w] == at_bank_13) ->
    lease_token[w] = lease_token_none;
    at[w] = at_bank_12;
    on[w] = FREE;
  }
}

inline bank_14_done(w) { /* line 14, bank, payments: done */
  d_step { (on[w] != FREE && at[w] == at_bank_14) ->
    payments[on[w]] = payments_settled;
    lease_token[w] = lease_token_none;
    at[w] = at_bank_12;
    on[w] = FREE;
  }
}

inline bank_14_ack_lost_lost(w) { /* line 14, bank, payments: ack-lost: lost */
  d_step { (on[w] != FREE && at[w] == at_bank_14) ->
    lease_token[w] = lease_token_none;
    at[w] = at_bank_12;
    on[w] = FREE;
  }
}

inline bank_14_worker_killed(w) { /* line 14, bank, payments: worker-killed */
  d_step { (on[w] != FREE && at[w] == at_bank_14) ->
    lease_token[w] = lease_token_none;
    at[w] = at_bank_12;
    on[w] = FREE;
  }
}

inline bank_16_database_failed_failed(w) { /* line 16, bank, payments: database-failed: payment failed */
  d_step { (on[w] != FREE && at[w] == at_bank_16) ->
    lease_token[w] = lease_token_none;
    at[w] = at_bank_12;
    on[w] = FREE;
  }
}

inline bank_16(w) { /* line 16, bank, payments: payment */
  d_step { (on[w] != FREE && at[w] == at_bank_16 && lease_token[w] == lease_token_fresh) ->
    credit[on[w]] = (credit[on[w]] == 0 -> 1 : 2);
    at[w] = at_bank_17;
  }
}

inline bank_16_database_answer_lost_answer_lost(w) { /* line 16, bank, payments: database-answer-lost: payment answer lost */
  d_step { (on[w] != FREE && at[w] == at_bank_16 && lease_token[w] == lease_token_fresh) ->
    credit[on[w]] = (credit[on[w]] == 0 -> 1 : 2);
    lease_token[w] = lease_token_none;
    at[w] = at_bank_12;
    on[w] = FREE;
  }
}

inline bank_16_rejected(w) { /* line 16, bank, payments: payment rejected */
  d_step { (on[w] != FREE && at[w] == at_bank_16 && lease_token[w] != lease_token_fresh) ->
    lease_token[w] = lease_token_none;
    at[w] = at_bank_12;
    on[w] = FREE;
  }
}

inline bank_16_worker_killed(w) { /* line 16, bank, payments: worker-killed */
  d_step { (on[w] != FREE && at[w] == at_bank_16) ->
    lease_token[w] = lease_token_none;
    at[w] = at_bank_12;
    on[w] = FREE;
  }
}

inline bank_17_done(w) { /* line 17, bank, payments: done */
  d_step { (on[w] != FREE && at[w] == at_bank_17) ->
    payments[on[w]] = payments_settled;
    at[w] = at_bank_18;
  }
}

inline bank_17_ack_lost_lost(w) { /* line 17, bank, payments: ack-lost: lost */
  d_step { (on[w] != FREE && at[w] == at_bank_17) ->
    at[w] = at_bank_18;
  }
}

inline bank_17_worker_killed(w) { /* line 17, bank, payments: worker-killed */
  d_step { (on[w] != FREE && at[w] == at_bank_17) ->
    lease_token[w] = lease_token_none;
    at[w] = at_bank_12;
    on[w] = FREE;
  }
}

inline bank_18_database_failed_failed(w) { /* line 18, bank, payments: database-failed: lease failed */
  d_step { (on[w] != FREE && at[w] == at_bank_18) ->
    lease_token[w] = lease_token_none;
    at[w] = at_bank_12;
    on[w] = FREE;
  }
}

inline bank_18(w) { /* line 18, bank, payments: lease */
  d_step { (on[w] != FREE && at[w] == at_bank_18) ->
    lease[on[w]] = lease_free;
    lease_token[w] = lease_token_none;
    at[w] = at_bank_12;
    on[w] = FREE;
  }
}

inline bank_18_worker_killed(w) { /* line 18, bank, payments: worker-killed */
  d_step { (on[w] != FREE && at[w] == at_bank_18) ->
    lease_token[w] = lease_token_none;
    at[w] = at_bank_12;
    on[w] = FREE;
  }
}

inline bank_redelivery(e) { /* bank, payments: redelivery */
  d_step { (payments[e] == payments_inflight) ->
    payments[e] = payments_ready;
  }
}

inline bank_publisher_retry(e) { /* bank, payments: publisher-retry */
  d_step { (payments[e] == payments_settled) ->
    payments[e] = payments_ready;
  }
}

inline bank_broker_copy(e) { /* bank, payments: broker-copy */
  d_step { (payments[e] == payments_settled) ->
    payments[e] = payments_ready;
  }
}

inline bank_operator_replay(e) { /* bank, payments: operator-replay */
  d_step { (payments[e] == payments_settled) ->
    payments[e] = payments_ready;
  }
}

inline lease_lock_expired(e) { /* lock-expired: lease */
  d_step { (lease[e] == lease_held) ->
    lease[e] = lease_free;
  }
}

proctype Worker(byte w) {
end:
  do
  :: bank_11_delivery(w, 0)
  :: bank_12_database_failed_failed(w)
  :: bank_12(w)
  :: bank_12_database_answer_lost_answer_lost(w)
  :: bank_12_held(w)
  :: bank_12_worker_killed(w)
  :: bank_13_database_failed_failed(w)
  :: bank_13_yes(w)
  :: bank_13_no(w)
  :: bank_13_worker_killed(w)
  :: bank_14_done(w)
  :: bank_14_ack_lost_lost(w)
  :: bank_14_worker_killed(w)
  :: bank_16_database_failed_failed(w)
  :: bank_16(w)
  :: bank_16_database_answer_lost_answer_lost(w)
  :: bank_16_rejected(w)
  :: bank_16_worker_killed(w)
  :: bank_17_done(w)
  :: bank_17_ack_lost_lost(w)
  :: bank_17_worker_killed(w)
  :: bank_18_database_failed_failed(w)
  :: bank_18(w)
  :: bank_18_worker_killed(w)
  od
}

proctype Event(byte e) {
end:
  do
  :: bank_redelivery(e)
  :: bank_publisher_retry(e)
  :: bank_broker_copy(e)
  :: bank_operator_replay(e)
  :: lease_lock_expired(e)
  od
}

init {
  atomic {
    run Worker(0); run Worker(1); run Event(0)
  }
}

never no_duplicate_credit { /* no duplicate credit: ends where a bad situation is found */
  do
  :: ((credit[0] == 2)) -> break
  :: else
  od
}

never no_loss_of_credit { /* no loss of credit: ends where a bad situation is found */
  do
  :: ((credit[0] == 0 && (payments[0] == payments_settled || payments[0] == payments_lost) && !(on[0] == 0) && !(on[1] == 0))) -> break
  :: else
  od
}
