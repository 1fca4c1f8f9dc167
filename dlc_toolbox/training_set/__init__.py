"""From a label table to what a network trains on: split, training set, pose_cfg.yaml.

What Step 4 writes lives here, and the way back from it to the split. Public: `trainset.make_training_sets`,
`recorded.read_split`, `split.split_images`, `pose_cfg.write_pose_cfgs`.
"""
