"""From a video to its pose table, given a predictor: on one machine or many, resumable at any frame.

What calls a predictor on videos lives here. Public: `analysis.analyze_video`, `scaleout.analyze_videos`,
`window.MovingWindow`.
"""
