"""Training: Keras' fit with our batches, callbacks and losses; resumed as if it had never stopped.

What happens between two snapshots lives here. Public: `training.train`, `validation.Validation`,
`learning_stats.draw_learning_curve`, `stopping.has_stalled`.
"""
