"""Labels and poses from and to other programs: `readers` of what comes and `writers` of poses, one module a format.

What turns a file of another program into a project's, or the other way, lives here. Public: `importing.plan_import`,
`importing.import_labels`, `machine.import_machine_labels`, `settings.take_settings`, `labelset.read_own_labels`,
`exporting.export_deeplabcut`, `exporting.export_lightning_pose`.
"""
