"""The steps of the pipeline, one function each: what a script, a notebook and the demo run.

Here both libraries are joined: only here `deepercut` is imported, inside functions, because its start takes seconds.
Public: `frames.pick_frames`, `labels.label_frames`, `labels.convert_labels`, `labels.check_labels`,
`labels.import_labels`, `labels.export_labels`, `suggestions.suggest`, `training_set.make_training_sets`,
`training.train`, `training.export`, `training.download`, `evaluation.evaluate`, `evaluation.analyze_results`,
`videos.analyze_videos`, `videos.label_videos`, `videos.filter_predictions`, `videos.plot_trajectories`,
`videos.extract_outliers`, `videos.export_poses`, `cameras.calibrate_cameras`, `cameras.triangulate_videos`.
"""
