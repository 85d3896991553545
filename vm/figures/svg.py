# SPDX-License-Identifier: GPL-2.0-only
"""Bars and lines as SVG, with nothing but Python's own library."""
import math
from html import escape

COLOURS = ("#b0413e", "#2a6f97")
DASHES = ("", "7,4", "2,4")
WIDTH = 1100
LEFT, RIGHT, TOP, BOTTOM = 210, 20, 64, 150


def text(x, y, words, anchor="middle", extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra}>{escape(words)}</text>'


def line(x, y, to_x, to_y, extra='stroke="#dddddd"'):
    return f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}" {extra}/>'


def scale(most):
    """Where the axis has marks, from 0 to at least @most: some five of them."""
    step = 10 ** math.floor(math.log10(most or 1))
    step = next(step * part for part in (0.2, 0.5, 1, 2, 5) if step * part * 6 >= (most or 1))
    return [i * step for i in range(math.ceil((most or 1) / step) + 1)]


def axis(top, height, most, label):
    """The vertical one of a panel, and a function from a value to where it is."""
    marks = scale(most)

    def place(value):
        return top + height - value / marks[-1] * height

    out = [text(0, 0, label, extra=f'transform="translate({LEFT - 60},{top + height / 2:.1f}) rotate(-90)"')]
    for mark in marks:
        out += [line(LEFT, place(mark), WIDTH - RIGHT, place(mark)),
                text(LEFT - 6, place(mark) + 4, f"{mark:g}", "end")]
    return out, place


def write(path, height, parts):
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
                   f'font-family="sans-serif" font-size="13">\n'
                   f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n')
        file.write("\n".join(parts) + "\n</svg>\n")


def bars(path, label, note, panels):
    """@panels: title, names of the series, lines of a label and a value for each, None for none."""
    height, parts = 460, []
    for number, (title, names, lines) in enumerate(panels):
        top = number * height + TOP
        inner = height - TOP - BOTTOM
        most = max((value for _, *values in lines for value in values if value is not None),
                   default=1)
        drawn, place = axis(top, inner, most, label)
        parts += [text(WIDTH / 2, top - 40, title, extra='font-weight="bold"'), *drawn]
        for i, name in enumerate(names):
            x = LEFT + i * (WIDTH - LEFT) / len(names)
            parts += [f'<rect x="{x:.1f}" y="{top - 26}" width="12" height="12" '
                      f'fill="{COLOURS[i]}"/>', text(x + 18, top - 15, name, "start")]
        each = (WIDTH - LEFT - RIGHT) / len(lines)
        for i, (words, *values) in enumerate(lines):
            for j, value in enumerate(values):
                if value is not None:
                    parts.append(f'<rect x="{LEFT + each * (i + 0.1 + 0.4 * j):.1f}" '
                                 f'y="{place(value):.1f}" width="{each * 0.38:.1f}" '
                                 f'height="{top + inner - place(value):.1f}" '
                                 f'fill="{COLOURS[j]}"/>')
            parts.append(text(0, 0, words, "end", f'transform="translate('
                              f'{LEFT + each * (i + 0.5):.1f},{top + inner + 14}) rotate(-25)"'))
    parts.append(text(WIDTH / 2, len(panels) * height + 4, note))
    write(path, len(panels) * height + 20, parts)


def lines(path, title, label, note, series):
    """@series: name, style, points of x and y. x is drawn as its logarithm. Even styles are of the
    first colour, odd ones of the second."""
    top, inner = TOP, 420
    most = max(y for _, _, points in series for _, y in points)
    marks = sorted({x for _, _, points in series for x, _ in points})
    low, high = math.log(marks[0] * 0.8), math.log(marks[-1] * 1.25)
    parts, place = axis(top, inner, most, label)

    def across(x):
        return LEFT + (math.log(x) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    parts.append(text(WIDTH / 2, 30, title, extra='font-weight="bold"'))
    parts += [text(across(mark), top + inner + 18, f"{mark}") for mark in marks]
    for number, (name, style, points) in enumerate(series):
        look = f'stroke="{COLOURS[style % 2]}" stroke-width="2" ' \
               f'stroke-dasharray="{DASHES[style // 2]}"'
        where = " ".join(f"{across(x):.1f},{place(y):.1f}" for x, y in points)
        y = top + inner + 50 + 20 * number
        parts += [f'<polyline points="{where}" fill="none" {look}/>',
                  *(f'<circle cx="{across(x):.1f}" cy="{place(y):.1f}" r="3.5" '
                    f'fill="{COLOURS[style % 2]}"/>' for x, y in points),
                  line(LEFT, y - 4, LEFT + 40, y - 4, look), text(LEFT + 50, y, name, "start")]
    parts.append(text(WIDTH / 2, top + inner + 34, note))
    write(path, top + inner + 60 + 20 * len(series), parts)
