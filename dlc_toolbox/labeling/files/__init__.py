"""What one scorer's labels are on disk: csv files as Fiji writes them, notes beside them, and the right to write.

`folderlabels` reads, merges and writes a folder; the others are its parts. Public: `folderlabels.FolderLabels`,
`tablerows.TableRows`, `writer.Writer`.
"""
