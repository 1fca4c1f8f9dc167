"""Numbers out of arrays: errors of poses, filters and jumps of tracks.

Pure NumPy and SciPy live here, without files, settings or pictures. Public: `metrics.euclidean_errors`,
`metrics.summarize`, `gap.measure_gap`, `tracks.median_filter`, `tracks.find_failures`, `tracks.summarize_tracks`.
"""
