"""Labels of other programs: one module for each format, and one table that tells them apart.

A module here reads one format and returns `found.Found`; nothing in it knows this project. A new format is a module and
a line in `recognise.READERS`. Nothing that is read is executed, and no path leads out of the folders that are looked
through.
"""
