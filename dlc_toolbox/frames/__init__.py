"""Frames of videos to be labeled: which, and the picture of the crop.

What chooses and numbers frames lives here. Public: `choosing.pick_frames`, `choosing.write_frames`, `wanted.Wanted`,
`variety.sample_frames`, `variety.choose_various`, `preview.write_crop_preview`.
"""
