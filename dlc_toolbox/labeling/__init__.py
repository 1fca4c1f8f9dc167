"""Labeling in the browser: the store of people's labels, and the server of the page that changes them."""
