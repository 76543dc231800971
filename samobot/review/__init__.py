"""The review guide: one self-contained page with which the user checks a finished session's change.

`facts` holds what the page is made of, `notes` parses what agents contribute in their notes, `diff_view` cuts a diff
into files, and `page` renders all of it as HTML. Pure: whoever wants a page collects the facts. Knows neither
Telegram nor workers.
"""
