"""The DeeperCut network: its layers, targets and losses, on Keras alone.

What the network computes lives here, without files. Public: `posenet.build_posenet`, `targets.make_targets`,
`targets.decode_poses`, `losses.part_loss`, `losses.locref_loss`.
"""
