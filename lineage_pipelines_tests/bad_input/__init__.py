"""What people type, keep and break, given to the command as a person gives it: a process of its own.

Every refusal says what, where and what to do, ends with 2 (bad input) or 3 (not answered), shows no traceback, and
leaves the log and every file as they were. `rows.py` says which row of the table of bad input is shown by which test.
"""
