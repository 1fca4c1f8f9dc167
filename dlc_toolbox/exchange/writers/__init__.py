"""Poses for other programs: one module a format, and the table of them.

What turns the poses of a video into a file of another program lives here, and nothing that finds or changes poses.
Public: `formats.Format`, `formats.export_poses`, `poses.gather`, `lab.read_lab`.
"""
