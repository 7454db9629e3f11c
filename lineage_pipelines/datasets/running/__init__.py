"""Running a stage through DVC: one at a time, killable, with nothing left behind."""
