---- MODULE Invoice ----
\* The handler of examples/article/invoice_email.once under at-least-once, for TLC.
EXTENDS Naturals
CONSTANTS Messages, Workers
VARIABLES queue, at, holds, processed, mails
vars == <<queue, at, holds, processed, mails>>

Init == /\ queue = [m \in Messages |-> "ready"]
        /\ at = [w \in Workers |-> "idle"]
        /\ holds = [w \in Workers |-> CHOOSE m \in Messages : TRUE]
        /\ processed = {}
        /\ mails = [m \in Messages |-> 0]

Deliver(w, m) == /\ at[w] = "idle" /\ queue[m] = "ready"
                 /\ queue' = [queue EXCEPT ![m] = "inflight"]
                 /\ at' = [at EXCEPT ![w] = "check"]
                 /\ holds' = [holds EXCEPT ![w] = m]
                 /\ UNCHANGED <<processed, mails>>
Check(w) == /\ at[w] = "check"
            /\ at' = [at EXCEPT ![w] = IF holds[w] \in processed THEN "ack" ELSE "send"]
            /\ UNCHANGED <<queue, holds, processed, mails>>
Send(w) == /\ at[w] = "send"
           /\ mails' = [mails EXCEPT ![holds[w]] = IF @ < 2 THEN @ + 1 ELSE @]
           /\ at' = [at EXCEPT ![w] = "record"]
           /\ UNCHANGED <<queue, holds, processed>>
Record(w) == /\ at[w] = "record"
             /\ processed' = processed \union {holds[w]}
             /\ at' = [at EXCEPT ![w] = "ack"]
             /\ UNCHANGED <<queue, holds, mails>>
Ack(w) == /\ at[w] = "ack"
          /\ queue' = [queue EXCEPT ![holds[w]] = "settled"]
          /\ at' = [at EXCEPT ![w] = "idle"]
          /\ UNCHANGED <<holds, processed, mails>>
Crash(w) == /\ at[w] # "idle"
            /\ at' = [at EXCEPT ![w] = "idle"]
            /\ queue' = [queue EXCEPT ![holds[w]] = IF @ = "inflight" THEN "ready" ELSE @]
            /\ UNCHANGED <<holds, processed, mails>>
LeaseEnds(m) == /\ queue[m] = "inflight"
                /\ queue' = [queue EXCEPT ![m] = "ready"]
                /\ UNCHANGED <<at, holds, processed, mails>>

Next == \/ \E w \in Workers : \/ \E m \in Messages : Deliver(w, m)
                              \/ Check(w) \/ Send(w) \/ Record(w) \/ Ack(w) \/ Crash(w)
        \/ \E m \in Messages : LeaseEnds(m)
Spec == Init /\ [][Next]_vars
NoDuplicate == \A m \in Messages : mails[m] < 2
====
