"""How far off a network is: poses of all labeled images, errors, plots, the evaluation page.

What compares poses with people's labels lives here. Public: `evaluation.evaluate`, `results.read_evaluation`,
`results.write_summaries`, `report.write_evaluation_pages`.
"""
