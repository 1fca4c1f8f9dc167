"""People's labels: csv files, label tables, and their check.

What reads or writes labels of this project lives here. Public: `labels.convert_labels`, `check.check_labels`,
`fiji.read_clicks`, `machine.write_machine_labels`, `machine.read_machine_labels`.
"""
