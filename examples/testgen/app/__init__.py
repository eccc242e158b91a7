"""A small application to test: the handler of ``examples/article/invoice_email.once``, written in
Python.
"""
