"""Tables, means and pictures of what tools/compare measured. A row's "cost" has seconds or instructions by machine."""
import math

from guest_kernels import FLOATING, MACHINE_ONLY

# Machine -> heading of the ratio that its costs stand in to ours, and whether above 1 is good for us.
RATIOS = {"qemu": ("x qemu", True), "qemu-user": ("x q-user", True), "native": ("/ native", False)}


def ratio(row, who):
    """How the machine compares with ours, or None."""
    ours, theirs = row["cost"].get("ashlar"), row["cost"].get(who)
    if not ours or not theirs:
        return None
    return theirs / ours if RATIOS[who][1] else ours / theirs


def geometric_mean(values):
    values = [value for value in values if value is not None]
    return math.exp(sum(math.log(value) for value in values) / len(values)) if values else None


def summarize(rows):
    """Group of kernels -> machine -> mean of the ratios."""
    groups = {"integer": [row for row in rows if row["kernel"] not in FLOATING | MACHINE_ONLY],
              "floating": [row for row in rows if row["kernel"] in FLOATING], "all": rows}
    return {name: {who: geometric_mean(ratio(row, who) for row in group) for who in RATIOS}
            for name, group in groups.items() if group}


class Table:
    """Rows printed as they come. `columns`: (heading, width, function of a row that returns a number or None, decimals)."""

    def __init__(self, columns, machines):
        self.columns = columns + [(RATIOS[who][0], 10, lambda row, who=who: ratio(row, who), 2)
                                  for who in machines if who in RATIOS]

    def header(self):
        print(f"{'kernel':<10}" + "".join(f"{heading:>{width}}" for heading, width, _, _ in self.columns), flush=True)

    def row(self, row):
        line = f"{row['kernel']:<10}"
        for _, width, value, decimals in self.columns:
            number = value(row)
            line += f"{'-':>{width}}" if number is None else f"{number:>{width}.{decimals}f}"
        print(line + ("" if row["agree"] else "  WRONG"), flush=True)


TEXTS = {
    "time": {"qemu": "{:.2f} times as fast as QEMU", "qemu-user": "{:.2f} times as fast as qemu-riscv64",
             "native": "{:.2f} times slower than native"},
    "instructions": {"qemu": "QEMU takes {:.2f} times as many", "qemu-user": "qemu-riscv64 {:.2f} times as many",
                     "native": "{:.2f} times as many as native"},
}


def print_summary(summary, what):
    """`what`: "time" or "instructions"."""
    for name, means in summary.items():
        parts = [text.format(means[who]) for who, text in TEXTS[what].items() if means[who] is not None]
        if parts:
            print(f"geometric mean, {name}: {', '.join(parts)}")


def write_bars(rows, path):
    """Speed relative to QEMU, one bar for Ashlar and one for native."""
    left, height, scale = 90, 34, 60
    bars = []
    for row in rows:
        if (ours := ratio(row, "qemu")) is not None:
            native = ratio(row, "native")
            bars.append((row["kernel"], ours, ours * native if native else None))
    if not bars:
        return
    width = int(left + 80 + scale * math.log2(1 + max(value for bar in bars for value in bar[1:] if value)) * 2)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height * len(bars) + 50}" '
             'font-family="sans-serif" font-size="12">',
             '<text x="8" y="18">Speed relative to qemu-system-riscv64 (logarithmic); dark: Ashlar, light: native</text>']
    for i, (name, *values) in enumerate(bars):
        y = 34 + i * height
        parts.append(f'<text x="8" y="{y + 16}">{name}</text>')
        for colour, value, offset in zip(("#234f7d", "#b8cbe0"), values, (0, 13)):
            if value:
                length = scale * math.log2(1 + value) * 2
                parts.append(f'<rect x="{left}" y="{y + offset}" width="{length:.1f}" height="11" fill="{colour}"/>'
                             f'<text x="{left + length + 4:.1f}" y="{y + offset + 10}" font-size="10">{value:.2f}</text>')
    one = left + scale * 2
    parts.append(f'<line x1="{one}" y1="28" x2="{one}" y2="{34 + height * len(bars)}" stroke="#999"/></svg>')
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(parts) + "\n")
