"""A shop's daily report."""


def report(sales):
    """The report as text; a sale is (product, count, price in cents)."""
    out = ""
    total = 0
    best = None
    names = []
    for s in sales:
        if s[0] not in names:
            names.append(s[0])
    for n in names:
        c = 0
        m = 0
        for s in sales:
            if s[0] == n:
                c = c + s[1]
                m = m + s[1] * s[2]
        total = total + m
        if best is None or m > best[1]:
            best = (n, m)
        out = out + n + ": " + str(c) + " = " + str(m // 100) + "." + ("0" + str(m % 100))[-2:] + "\n"
    out = out + "total " + str(total // 100) + "." + ("0" + str(total % 100))[-2:] + "\n"
    if best is not None:
        out = out + "best " + best[0] + "\n"
    return out
