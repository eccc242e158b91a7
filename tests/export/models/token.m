-- lease_token.once, at-least-once delivery
-- 2 workers, 1 events
-- Exported by Onceproof. docs/export.md says what this is and how to run it.
-- A state is a state of Rumur: free slots are undefined, so they are all alike. Count with --deadlock-detection off.
--
-- Names of the design:
--   payment is "payment" of the event: payment_absent is "absent", payment_present is "present"
--   credit is "credit" of the event
--   lease is "lease" of the event: lease_free is "free", lease_held is "held"
--   payments is "payments" of the event: payments_ready is "ready", payments_inflight is "inflight", payments_settled is "settled", payments_lost is "lost"
--   lease_token is "lease (token)" of the worker: lease_token_none is "none", lease_token_fresh is "fresh", lease_token_stale is "stale"
--   at is "worker at" of the worker: at_bank_12 is "bank:12", at_bank_13 is "bank:13", at_bank_14 is "bank:14", at_bank_16 is "bank:16", at_bank_17 is "bank:17", at_bank_18 is "bank:18"

const WORKERS: 2; EVENTS: 1; KEYS: 1;

type
  Slot: 0..WORKERS - 1;
  Event: 0..EVENTS - 1;
  T__payment: enum { payment_absent, payment_present };
  T__credit: 0..2;
  T__lease: enum { lease_free, lease_held };
  T__payments: enum { payments_ready, payments_inflight, payments_settled, payments_lost };
  T__lease_token: enum { lease_token_none, lease_token_fresh, lease_token_stale };
  T__at: enum { at_bank_12, at_bank_13, at_bank_14, at_bank_16, at_bank_17, at_bank_18 };
  Worker: record event: Event; lease_token: T__lease_token; at: T__at; end;

var
  payment: array [Event] of T__payment;
  credit: array [Event] of T__credit;
  lease: array [Event] of T__lease;
  payments: array [Event] of T__payments;
  worker: array [Slot] of Worker;

-- is the slot without a worker?
function free(w: Slot): boolean; begin return isundefined(worker[w].event); end;
-- is there a worker in the slot, on this event?
function works(w: Slot; e: Event): boolean;
begin
  if isundefined(worker[w].event) then return false; end;
  return worker[w].event = e;
end;

startstate
begin
  for e: Event do
    payment[e] := payment_absent; credit[e] := 0; lease[e] := lease_free; payments[e] := payments_ready;
  end;
  for w: Slot do undefine worker[w]; end;
end;

ruleset w: Slot; e: Event do
rule "line 11, bank, payments: delivery"
  free(w) & payments[e] = payments_ready
==>
begin
  worker[w].event := e;
  worker[w].lease_token := lease_token_none;
  worker[w].at := at_bank_12;
  payments[e] := payments_inflight;
  worker[w].at := at_bank_12;
end;
end;

ruleset w: Slot; e: Event do
rule "line 12, bank, payments: database-failed: lease failed"
  works(w, e) & worker[w].at = at_bank_12
==>
begin
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 12, bank, payments: lease"
  works(w, e) & worker[w].at = at_bank_12 & lease[e] = lease_free
==>
begin
  for v: Slot do
    if v != w & works(v, e) & worker[v].lease_token = lease_token_fresh then
      worker[v].lease_token := lease_token_stale;
    end;
  end;
  lease[e] := lease_held;
  worker[w].lease_token := lease_token_fresh;
  worker[w].at := at_bank_13;
end;
end;

ruleset w: Slot; e: Event do
rule "line 12, bank, payments: database-answer-lost: lease answer lost"
  works(w, e) & worker[w].at = at_bank_12 & lease[e] = lease_free
==>
begin
  for v: Slot do
    if v != w & works(v, e) & worker[v].lease_token = lease_token_fresh then
      worker[v].lease_token := lease_token_stale;
    end;
  end;
  lease[e] := lease_held;
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 12, bank, payments: lease held"
  works(w, e) & worker[w].at = at_bank_12 & lease[e] = lease_held
==>
begin
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 12, bank, payments: worker-killed"
  works(w, e) & worker[w].at = at_bank_12
==>
begin
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 13, bank, payments: database-failed: failed"
  works(w, e) & worker[w].at = at_bank_13
==>
begin
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 13, bank, payments: yes"
  works(w, e) & worker[w].at = at_bank_13 & credit[e] != 0
==>
begin
  worker[w].at := at_bank_14;
end;
end;

ruleset w: Slot; e: Event do
rule "line 13, bank, payments: no"
  works(w, e) & worker[w].at = at_bank_13 & credit[e] = 0
==>
begin
  worker[w].at := at_bank_16;
end;
end;

ruleset w: Slot; e: Event do
rule "line 13, bank, payments: worker-killed"
  works(w, e) & worker[w].at = at_bank_13
==>
begin
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 14, bank, payments: done"
  works(w, e) & worker[w].at = at_bank_14
==>
begin
  payments[e] := payments_settled;
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 14, bank, payments: ack-lost: lost"
  works(w, e) & worker[w].at = at_bank_14
==>
begin
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 14, bank, payments: worker-killed"
  works(w, e) & worker[w].at = at_bank_14
==>
begin
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 16, bank, payments: database-failed: payment failed"
  works(w, e) & worker[w].at = at_bank_16
==>
begin
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 16, bank, payments: payment"
  works(w, e) & worker[w].at = at_bank_16 & worker[w].lease_token = lease_token_fresh
==>
begin
  if credit[e] = 0 then credit[e] := 1;
  elsif (credit[e] = 1 | credit[e] = 2) then credit[e] := 2;
  end;
  worker[w].at := at_bank_17;
end;
end;

ruleset w: Slot; e: Event do
rule "line 16, bank, payments: database-answer-lost: payment answer lost"
  works(w, e) & worker[w].at = at_bank_16 & worker[w].lease_token = lease_token_fresh
==>
begin
  if credit[e] = 0 then credit[e] := 1;
  elsif (credit[e] = 1 | credit[e] = 2) then credit[e] := 2;
  end;
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 16, bank, payments: payment rejected"
  works(w, e) & worker[w].at = at_bank_16 & worker[w].lease_token != lease_token_fresh
==>
begin
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 16, bank, payments: worker-killed"
  works(w, e) & worker[w].at = at_bank_16
==>
begin
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 17, bank, payments: done"
  works(w, e) & worker[w].at = at_bank_17
==>
begin
  payments[e] := payments_settled;
  worker[w].at := at_bank_18;
end;
end;

ruleset w: Slot; e: Event do
rule "line 17, bank, payments: ack-lost: lost"
  works(w, e) & worker[w].at = at_bank_17
==>
begin
  worker[w].at := at_bank_18;
end;
end;

ruleset w: Slot; e: Event do
rule "line 17, bank, payments: worker-killed"
  works(w, e) & worker[w].at = at_bank_17
==>
begin
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 18, bank, payments: database-failed: lease failed"
  works(w, e) & worker[w].at = at_bank_18
==>
begin
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 18, bank, payments: lease"
  works(w, e) & worker[w].at = at_bank_18
==>
begin
  lease[e] := lease_free;
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 18, bank, payments: worker-killed"
  works(w, e) & worker[w].at = at_bank_18
==>
begin
  undefine worker[w];
end;
end;

ruleset e: Event do
rule "bank, payments: redelivery"
  payments[e] = payments_inflight
==>
begin
  payments[e] := payments_ready;
end;
end;

ruleset e: Event do
rule "bank, payments: publisher-retry"
  payments[e] = payments_settled
==>
begin
  payments[e] := payments_ready;
end;
end;

ruleset e: Event do
rule "bank, payments: broker-copy"
  payments[e] = payments_settled
==>
begin
  payments[e] := payments_ready;
end;
end;

ruleset e: Event do
rule "bank, payments: operator-replay"
  payments[e] = payments_settled
==>
begin
  payments[e] := payments_ready;
end;
end;

ruleset e: Event do
rule "lock-expired: lease"
  lease[e] = lease_held
==>
begin
  lease[e] := lease_free;
end;
end;

invariant "no duplicate credit"
  !(((exists e0: Event do credit[e0] = 2 end)));

invariant "no loss of credit"
  !(((exists e0: Event do credit[e0] = 0 & (payments[e0] = payments_settled | payments[e0] = payments_lost) & !(exists v: Slot do works(v, e0) end) end)));
