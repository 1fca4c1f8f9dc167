"""Pose tables beside their videos: whose they are, and what is made from them.

What needs poses and no network lives here. Public: `network.find_network`, `filter.find_poses`, `filter.filter_poses`,
`labeled_video.label_video`, `clips.cut_clip`, `trajectories.plot_trajectories`, `outliers.extract_outliers`.
"""
