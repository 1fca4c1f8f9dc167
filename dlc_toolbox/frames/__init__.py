"""Frames of videos to be labeled: which, and the picture of the crop.

What chooses and numbers frames lives here. Public: `choosing.pick_frames`, `choosing.write_frames`,
`preview.write_crop_preview`.
"""
