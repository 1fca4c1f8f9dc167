"""Weights in and out of files, whoever wrote them, and the names inside a train folder.

What opens a file of weights or names a snapshot lives here. Public: `snapshots.select_snapshot`,
`checkpoints.read_weights`, `checkpoints.save_snapshot`, `keeping.tidy`, `pretrained.fetch_pretrained`,
`foreign.export_tf1`.
"""
