"""Weather."""


def parse(answer):
    """Degrees Celsius of an answer."""
    return round(answer["main"]["kelvin"] - 273.15, 1)
