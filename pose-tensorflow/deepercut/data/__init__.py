"""Batches of images and targets out of a training set.

What reads and changes training images lives here. Public: `dataset.load_dataset`, `dataset.TrainingBatches`, and the
functions of `augment`.
"""
