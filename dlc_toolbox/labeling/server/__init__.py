"""The server of the page: routes over the store, and what stands between the labels and everybody else.

Public: `serve.serve`, `server.make_app`.
"""
