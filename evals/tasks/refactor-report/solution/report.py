"""A shop's daily report."""


def report(sales):
    """The report as text; a sale is (product, count, price in cents)."""
    counts, amounts = _sums(sales)
    lines = [f"{name}: {counts[name]} = {_money(amounts[name])}" for name in counts]
    lines.append(f"total {_money(sum(amounts.values()))}")
    if amounts:
        lines.append(f"best {max(amounts, key=amounts.__getitem__)}")
    return "".join(f"{line}\n" for line in lines)


def _sums(sales):
    counts, amounts = {}, {}
    for name, count, price in sales:
        counts[name] = counts.get(name, 0) + count
        amounts[name] = amounts.get(name, 0) + count * price
    return counts, amounts


def _money(cents):
    return f"{cents // 100}.{cents % 100:02}"
