autocmd BufRead,BufNewFile *.once setfiletype once
