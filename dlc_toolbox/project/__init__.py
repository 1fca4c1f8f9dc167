"""What stands in a project: its settings, the names of its files, its tables, and what each was made from.

What knows the project and no video, image or network lives here. Public: `settings.load_settings`,
`settings.load_analysis_settings`, `layout.Layout`, `tables.read_table`, `tables.write_table`, `records.describe`,
`records.Output`.
"""
