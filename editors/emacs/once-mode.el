;;; once-mode.el --- Designs of message handlers -*- lexical-binding: t; -*-

;;; Commentary:
;; Highlights *.once files, indents by two spaces, and starts `onceproof lsp' with eglot.

;;; Code:

(require 'once-words)

(defconst once-mode--name "[A-Za-z_][A-Za-z0-9_]*")

(defun once-mode--any (words)
  "A pattern for one of WORDS as a whole word."
  (concat "\\_<\\(" (regexp-opt words) "\\)\\_>"))

(defconst once-mode--keywords
  (list
   (list (concat "^" (once-mode--any once-words-declaring) "[ \t]+\\(" once-mode--name "\\)")
         '(1 font-lock-keyword-face) '(2 font-lock-type-face))
   (list (concat (once-mode--any once-words-naming) "[ \t]+\\(" once-mode--name "\\)")
         '(1 font-lock-keyword-face) '(2 font-lock-variable-name-face))
   (list (concat "\\(" once-mode--name "\\)\\.\\(" once-mode--name "\\)")
         '(1 font-lock-variable-name-face) '(2 font-lock-variable-name-face))
   (cons (once-mode--any once-words-declarations) 'font-lock-keyword-face)
   (cons (once-mode--any once-words-constants) 'font-lock-constant-face)
   (cons (once-mode--any once-words-steps) 'font-lock-keyword-face)
   (cons (once-mode--any once-words-others) 'font-lock-builtin-face)))

(defvar once-mode-syntax-table
  (let ((table (make-syntax-table)))
    (modify-syntax-entry ?# "<" table)
    (modify-syntax-entry ?\n ">" table)
    (modify-syntax-entry ?_ "_" table)
    (modify-syntax-entry ?- "_" table)
    table))

;;;###autoload
(define-derived-mode once-mode prog-mode "Once"
  "Mode for designs of message handlers."
  (setq-local comment-start "# ")
  (setq-local comment-start-skip "#+[ \t]*")
  (setq-local indent-tabs-mode nil)
  (setq-local tab-width 2)
  (setq-local indent-line-function #'indent-relative)
  (setq-local font-lock-defaults '(once-mode--keywords)))

;;;###autoload
(add-to-list 'auto-mode-alist '("\\.once\\'" . once-mode))

(with-eval-after-load 'eglot
  (add-to-list 'eglot-server-programs '(once-mode . ("onceproof" "lsp"))))

(provide 'once-mode)
;;; once-mode.el ends here
