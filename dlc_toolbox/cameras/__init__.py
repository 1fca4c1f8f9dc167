"""Several cameras: where they stand, and where in space they see the body parts.

What needs more than one camera lives here. Public: `calibrate.calibrate`, `calibration_file.read_cameras`,
`calibration_file.write_cameras`, `triangulate.triangulate`, `trials.find_trials`, `space.triangulate_trial`.
"""
