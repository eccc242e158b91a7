" Made by tools/generate_editors.py from grammar/once.lark: do not edit.
if exists("b:current_syntax")
  finish
endif

syntax match onceOther /\v[[:alnum:]_.-]@1<!%(failure-transparent|connections|dead-letter|effectively|recoverable|redelivered|unconfirmed|connection|eventually|partitions|redelivers|replicated|isolation|positions|publishes|rebalance|continue|deadlock|delivery|failover|failures|finishes|happened|messages|notified|parallel|prefetch|refusals|released|releases|shutdown|together|aborted|answers|batches|commits|expired|expires|handler|nothing|outside|queried|replays|retries|rewinds|settled|settles|workers|answer|appear|before|broker|checks|commit|copies|cursor|errors|expect|expire|happen|inside|killed|passes|replay|return|unique|unless|window|within|worker|after|batch|cache|dedup|drops|fails|fewer|gives|keeps|keyed|lease|limit|loses|never|owner|retry|seeks|stops|takes|times|token|under|until|acks|also|back|ends|ever|from|hand|here|into|kept|kill|late|lose|loss|lost|most|move|once|only|over|rest|than|then|time|when|with|work|and|any|can|did|end|fed|for|its|key|may|new|not|one|per|the|via|an|at|be|by|go|id|in|is|no|of|on|or|to|up|a)[[:alnum:]_-]@!/
syntax match onceStep /\v[[:alnum:]_.-]@1<!%(increment|acquire|publish|release|section|atomic|delete|insert|update|crash|renew|call|else|fail|nack|seek|send|stop|wait|ack|add|let|set|use|do|if)[[:alnum:]_-]@!/
syntax match onceConstant /\v[[:alnum:]_.-]@1<!%(read-committed|at-least-once|at-most-once|exactly-once|serializable|duplicate|conflict|snapshot|violated|failure|missing|refused|refuted|unknown|vacuous|proved|holds|stays|drop)[[:alnum:]_-]@!/
syntax match onceDeclaration /\v[[:alnum:]_.-]@1<!%(publisher|consumer|database|fragment|operator|assume|effect|import|claim|event|queue|relay|store|lock)[[:alnum:]_-]@!/
syntax match onceName /\v%([[:alnum:]_.-]@1<!%(duplicate|increment|fragment|acquire|release|replays|section|before|delete|effect|insert|inside|update|queue|relay|store|call|into|send|add|let|per|set|use|do|of)\s+)@<=\h\w*/
syntax match onceDeclared /\v%(^%(consumer|database|fragment|effect|event|queue|relay|store|lock)\s+)@<=\h\w*/
syntax match onceName /\v\h\w*\.\h\w*/
syntax region onceFields matchgroup=Delimiter start=/(/ end=/)\|$/ contains=onceNumber,onceString,onceComment
syntax match onceNumber /\v<\d+%(ms|s|min|h|d)?>/
syntax region onceString start=/"/ end=/"/ oneline
syntax match onceComment /#.*$/ contains=@Spell

highlight default link onceDeclaration Structure
highlight default link onceStep Statement
highlight default link onceConstant Constant
highlight default link onceOther Keyword
highlight default link onceDeclared Type
highlight default link onceName Identifier
highlight default link onceFields Identifier
highlight default link onceNumber Number
highlight default link onceString String
highlight default link onceComment Comment

let b:current_syntax = "once"
