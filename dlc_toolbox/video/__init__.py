"""Recordings, frame by frame: videos, folders of images, TIFF stacks; and writing videos.

What decodes or encodes lives here. Public: `sequences.open_frames`, `sequences.videos_to_analyze`,
`recording.Recording`, `video.writing_video`, `video.for_each_video`, `condition.Condition`.
"""
