"""People's labels: csv files, label tables, their check, and other programs' label sets.

What reads or writes labels lives here. Public: `labels.convert_labels`, `check.check_labels`, `fiji.read_clicks`,
`machine.write_machine_labels`, `machine.read_machine_labels`, `importing.plan_import`, `importing.import_labels`. The
package `readers` reads other programs' labels, one module a format.
"""
