"""Labeling with the help of a network: which one fits, what it finds, and a small one trained on the labels so far.

What a person's labeling needs lives here; it starts networks in processes of their own. Public:
`fitting.find_newest`, `helper.plan_training`, `helper.write_training_files`, `suggesting.find_open_images`,
`suggesting.suggest_labels`, `offer.why_not_suggest`, `offer.why_not_train`, `offer.command`.
"""
