"""Help from a network: which can be had, its training on the labels so far, and what it suggests.

What works for minutes works in a process of its own (`background`). Public: `help.Help`, `offer.why_not_train`,
`fitting.find_newest`, `helper.plan_training`, `helper.write_training_files`, `suggesting.find_open_images`,
`suggesting.suggest_labels`.
"""
