"""Pictures for the page: images to label, and any frame of the videos behind them, losslessly.

Public: `images.ImageStore`, `videos.Videos`, `scrub.FrameReader`.
"""
