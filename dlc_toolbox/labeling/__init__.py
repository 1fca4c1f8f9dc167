"""Labeling in the browser: a store of people's labels, a server, the page in `page/`, and help from a network.

What a page asks for or changes lives here; `store` knows no HTTP, `server` no files. Networks work in processes of
their own. Public: `store.LabelStore`, `serve.serve`, `help.Help`, `offer.why_not_train`, `fitting.find_newest`,
`helper.plan_training`, `helper.write_training_files`, `suggesting.find_open_images`, `suggesting.suggest_labels`.
"""
