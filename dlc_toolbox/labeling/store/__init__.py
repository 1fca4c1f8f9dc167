"""What the page shows and changes, as plain values.

`contents` is what stands in the project; questions, overview and state of an image read it; `store` changes it.
Public: `store.LabelStore`, `contents.Contents`.
"""
