"""Labeling in the browser, in rooms that stand on one another: files, frames and help, store, server, and `page/`.

Here stand what all of them share: `errors` of the page's wishes, and the `events` that tell news. What a page asks for
or changes goes server, store, files; `store` knows no HTTP, `server` no files. Networks work in processes of their own.
"""
