"""The picture of a run: its events, the time scale, and the drawing.

`timeline` builds spans from a journal and `scale` maps times to the axis, both pure; `draw` lays the picture out, and
`canvas` alone imports the plotting library. Reads journals; knows neither Telegram nor workers.
"""
