"""From frames to poses, by whichever engine, and networks for other programs.

What runs a trained network lives here. Public: `predict.load_predictor`, `engines.choose_engine`,
`precision.reduced_engine`, `export.export_snapshot`.
"""
