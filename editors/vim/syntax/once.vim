" Made by editors/generate.py from grammar/once.lark: do not edit.
if exists("b:current_syntax")
  finish
endif

syntax match onceOther /\v[[:alnum:]_.-]@1<!%(failure-transparent|serializable|connections|recoverable|unconfirmed|connection|eventually|partitions|redelivers|replicated|publishes|rebalance|continue|delivery|failover|failures|finishes|happened|messages|refusals|shutdown|together|aborted|answers|batches|expired|expires|handler|queried|refused|replays|retries|rewinds|settled|settles|workers|appear|before|broker|checks|commit|copies|expect|expire|happen|inside|replay|return|unique|window|within|worker|after|batch|cache|dedup|drops|gives|keeps|lease|limit|never|retry|takes|times|token|under|acks|back|ends|ever|from|hand|here|into|kept|kill|late|lose|loss|lost|most|move|once|only|then|time|when|with|work|and|any|can|did|end|for|its|key|may|new|not|one|per|the|via|at|be|by|go|id|in|is|no|of|on|or|to|up|a)[[:alnum:]_-]@!/
syntax match onceStep /\v[[:alnum:]_.-]@1<!%(increment|acquire|publish|release|section|atomic|delete|insert|update|crash|renew|call|else|fail|nack|send|stop|wait|ack|add|let|set|use|do|if)[[:alnum:]_-]@!/
syntax match onceConstant /\v[[:alnum:]_.-]@1<!%(at-least-once|at-most-once|exactly-once|dead-letter|duplicate|conflict|violated|failure|missing|refuted|unknown|vacuous|proved|holds|stays|drop)[[:alnum:]_-]@!/
syntax match onceDeclaration /\v[[:alnum:]_.-]@1<!%(publisher|consumer|fragment|operator|assume|effect|import|claim|event|queue|relay|store|lock)[[:alnum:]_-]@!/
syntax match onceName /\v%([[:alnum:]_.-]@1<!%(duplicate|increment|fragment|acquire|release|replays|section|before|delete|effect|insert|inside|update|event|queue|relay|store|call|from|into|send|when|add|and|let|per|set|use|do|if|in|of)\s+)@<=\h\w*/
syntax match onceDeclared /\v%(^%(consumer|fragment|effect|event|queue|relay|store|lock)\s+)@<=\h\w*/
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
