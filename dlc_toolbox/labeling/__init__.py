"""Labeling in the browser: a store of people's labels, a server, and the page in `page/`.

What a page asks for or changes lives here; `store` knows no HTTP, `server` no files. Public: `store.LabelStore`,
`serve.serve`, `help.Help`, `notes.accepted_labels`.
"""
