if exists("b:did_ftplugin")
  finish
endif
let b:did_ftplugin = 1

setlocal commentstring=#\ %s comments=b:##,b:#
setlocal expandtab shiftwidth=2 softtabstop=2
if executable("onceproof")
  setlocal formatprg=onceproof\ fmt\ -
  setlocal makeprg=onceproof\ parse\ %:S
  setlocal errorformat=%Eerror[%*[A-Z0-9]]:\ %m,%Wwarning[%*[A-Z0-9]]:\ %m,%C%*[\ ]-->\ %f:%l:%c,%-G%.%#
endif

let b:undo_ftplugin = "setlocal commentstring< comments< expandtab< shiftwidth< softtabstop< formatprg< makeprg< errorformat<"
