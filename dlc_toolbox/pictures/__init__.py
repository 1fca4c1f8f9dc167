"""Pictures, plots and pages for people, with the same colours and markers everywhere.

What draws lives here, whatever is drawn. Public: `pictures.draw_pictures`, `marks.draw_marks`,
`drawing.draw_contact_sheet`, `pages.write_page`, `palette.part_styles`, and the functions of `plots`.
"""
