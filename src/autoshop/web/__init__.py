"""Pages: HTML for people, made of the same verbs as the API.

`pages` renders a template, tells errors as pages and says who is looking; `forms` reads what was typed; `texts` has
every word in Russian and English; `assets` serves what lies in `static/` under names that change with their content.
`office/` is the back office: a module for each screen, its templates beside it. A page asks one verb, never the API.
"""
