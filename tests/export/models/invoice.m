-- invoice_email.once, at-least-once delivery
-- 2 workers, 1 events
-- Exported by Onceproof. docs/export.md says what this is and how to run it.
-- A state is a state of Rumur: free slots are undefined, so they are all alike. Count with --deadlock-detection off.
--
-- Names of the design:
--   processed is "processed" of the event: processed_absent is "absent", processed_present is "present"
--   invoice is "invoice" of the component: invoice_absent is "absent", invoice_present is "present"
--   invoice_status is "invoice.status" of the component: invoice_status_unset is "unset", invoice_status_queued is "queued"
--   ready_email is "ready_email" of the event
--   invoices is "invoices" of the event: invoices_ready is "ready", invoices_inflight is "inflight", invoices_settled is "settled", invoices_lost is "lost"
--   at is "worker at" of the worker: at_notifier_11 is "notifier:11", at_notifier_12 is "notifier:12", at_notifier_14 is "notifier:14", at_notifier_15 is "notifier:15", at_notifier_16 is "notifier:16", at_notifier_17 is "notifier:17"

const WORKERS: 2; EVENTS: 1; KEYS: 1;

type
  Slot: 0..WORKERS - 1;
  Event: 0..EVENTS - 1;
  T__processed: enum { processed_absent, processed_present };
  T__invoice: enum { invoice_absent, invoice_present };
  T__invoice_status: enum { invoice_status_unset, invoice_status_queued };
  T__ready_email: 0..2;
  T__invoices: enum { invoices_ready, invoices_inflight, invoices_settled, invoices_lost };
  T__at: enum { at_notifier_11, at_notifier_12, at_notifier_14, at_notifier_15, at_notifier_16, at_notifier_17 };
  Worker: record event: Event; at: T__at; end;

var
  invoice: T__invoice;
  invoice_status: T__invoice_status;
  processed: array [Event] of T__processed;
  ready_email: array [Event] of T__ready_email;
  invoices: array [Event] of T__invoices;
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
  invoice := invoice_absent; invoice_status := invoice_status_unset;
  for e: Event do
    processed[e] := processed_absent; ready_email[e] := 0; invoices[e] := invoices_ready;
  end;
  for w: Slot do undefine worker[w]; end;
end;

ruleset w: Slot; e: Event do
rule "line 10, notifier, invoices: delivery"
  free(w) & invoices[e] = invoices_ready
==>
begin
  worker[w].event := e;
  worker[w].at := at_notifier_11;
  invoices[e] := invoices_inflight;
  worker[w].at := at_notifier_11;
end;
end;

ruleset w: Slot; e: Event do
rule "line 11, notifier, invoices: database-failed: failed"
  works(w, e) & worker[w].at = at_notifier_11
==>
begin
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 11, notifier, invoices: yes"
  works(w, e) & worker[w].at = at_notifier_11 & processed[e] = processed_present
==>
begin
  worker[w].at := at_notifier_12;
end;
end;

ruleset w: Slot; e: Event do
rule "line 11, notifier, invoices: no"
  works(w, e) & worker[w].at = at_notifier_11 & processed[e] = processed_absent
==>
begin
  worker[w].at := at_notifier_14;
end;
end;

ruleset w: Slot; e: Event do
rule "line 11, notifier, invoices: worker-killed"
  works(w, e) & worker[w].at = at_notifier_11
==>
begin
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 12, notifier, invoices: done"
  works(w, e) & worker[w].at = at_notifier_12
==>
begin
  invoices[e] := invoices_settled;
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 12, notifier, invoices: ack-lost: lost"
  works(w, e) & worker[w].at = at_notifier_12
==>
begin
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 12, notifier, invoices: worker-killed"
  works(w, e) & worker[w].at = at_notifier_12
==>
begin
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 14, notifier, invoices: database-failed: invoice failed"
  works(w, e) & worker[w].at = at_notifier_14
==>
begin
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 14, notifier, invoices: invoice"
  works(w, e) & worker[w].at = at_notifier_14
==>
begin
  invoice := invoice_present;
  invoice_status := invoice_status_queued;
  worker[w].at := at_notifier_15;
end;
end;

ruleset w: Slot; e: Event do
rule "line 14, notifier, invoices: database-answer-lost: invoice answer lost"
  works(w, e) & worker[w].at = at_notifier_14
==>
begin
  invoice := invoice_present;
  invoice_status := invoice_status_queued;
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 14, notifier, invoices: worker-killed"
  works(w, e) & worker[w].at = at_notifier_14
==>
begin
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 15, notifier, invoices: ready_email done"
  works(w, e) & worker[w].at = at_notifier_15
==>
begin
  if ready_email[e] = 0 then ready_email[e] := 1;
  elsif (ready_email[e] = 1 | ready_email[e] = 2) then ready_email[e] := 2;
  end;
  worker[w].at := at_notifier_16;
end;
end;

ruleset w: Slot; e: Event do
rule "line 15, notifier, invoices: answer-lost: ready_email answer lost"
  works(w, e) & worker[w].at = at_notifier_15
==>
begin
  if ready_email[e] = 0 then ready_email[e] := 1;
  elsif (ready_email[e] = 1 | ready_email[e] = 2) then ready_email[e] := 2;
  end;
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 15, notifier, invoices: effect-refused: ready_email refused"
  works(w, e) & worker[w].at = at_notifier_15
==>
begin
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 15, notifier, invoices: answer-lost: ready_email request lost"
  works(w, e) & worker[w].at = at_notifier_15
==>
begin
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 15, notifier, invoices: worker-killed"
  works(w, e) & worker[w].at = at_notifier_15
==>
begin
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 16, notifier, invoices: database-failed: processed failed"
  works(w, e) & worker[w].at = at_notifier_16
==>
begin
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 16, notifier, invoices: processed"
  works(w, e) & worker[w].at = at_notifier_16
==>
begin
  processed[e] := processed_present;
  worker[w].at := at_notifier_17;
end;
end;

ruleset w: Slot; e: Event do
rule "line 16, notifier, invoices: database-answer-lost: processed answer lost"
  works(w, e) & worker[w].at = at_notifier_16
==>
begin
  processed[e] := processed_present;
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 16, notifier, invoices: worker-killed"
  works(w, e) & worker[w].at = at_notifier_16
==>
begin
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 17, notifier, invoices: done"
  works(w, e) & worker[w].at = at_notifier_17
==>
begin
  invoices[e] := invoices_settled;
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 17, notifier, invoices: ack-lost: lost"
  works(w, e) & worker[w].at = at_notifier_17
==>
begin
  undefine worker[w];
end;
end;

ruleset w: Slot; e: Event do
rule "line 17, notifier, invoices: worker-killed"
  works(w, e) & worker[w].at = at_notifier_17
==>
begin
  undefine worker[w];
end;
end;

ruleset e: Event do
rule "notifier, invoices: redelivery"
  invoices[e] = invoices_inflight
==>
begin
  invoices[e] := invoices_ready;
end;
end;

ruleset e: Event do
rule "notifier, invoices: publisher-retry"
  invoices[e] = invoices_settled
==>
begin
  invoices[e] := invoices_ready;
end;
end;

ruleset e: Event do
rule "notifier, invoices: broker-copy"
  invoices[e] = invoices_settled
==>
begin
  invoices[e] := invoices_ready;
end;
end;

ruleset e: Event do
rule "notifier, invoices: operator-replay"
  invoices[e] = invoices_settled
==>
begin
  invoices[e] := invoices_ready;
end;
end;

invariant "no duplicate ready_email"
  !(((exists e0: Event do ready_email[e0] = 2 end)));

invariant "no loss of ready_email"
  !((((exists e0: Event do processed[e0] = processed_present & ready_email[e0] = 0 & !(exists v: Slot do works(v, e0) end) end)) | ((exists e0: Event do (invoices[e0] = invoices_settled | invoices[e0] = invoices_lost) & processed[e0] = processed_absent & ready_email[e0] = 0 & !(exists v: Slot do works(v, e0) end) end))));
