"""Bar charts as SVG, in the colours of the report: for each group of bars the median, and the range as a line."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

_COLOURS = ("#0b61a4", "#7b8894", "#9a6700", "#7c6bb0", "#18794e")
_WIDTH, _LEFT, _RIGHT, _BAR, _GAP, _TOP = 760, 170, 60, 16, 34, 44


@dataclass(frozen=True)
class Bar:
    """One bar: its label, its length, and the ends of the range behind it."""

    label: str
    value: float
    least: float
    most: float


def bars(title: str, groups: dict[str, list[Bar]]) -> str:
    """Return a chart of horizontal bars from zero, group below group, each bar with its figure."""
    longest = max(bar.most for group in groups.values() for bar in group)
    scale = (_WIDTH - _LEFT - _RIGHT) / longest
    parts, y = [_text(12, 22, title, "title")], _TOP
    for name, group in groups.items():
        parts.append(_text(12, y + 12, name, "group"))
        y += 20
        for index, bar in enumerate(group):
            parts += _bar(bar, y, scale, _COLOURS[index % len(_COLOURS)])
            y += _BAR + 4
        y += _GAP - 20
    parts.append(f'<path class="zero" d="M{_LEFT} {_TOP - 4}V{y - 10}"/>')
    style = (
        "<style>text{font:12px system-ui,sans-serif;fill:#30363d}.title{font-size:14px;font-weight:600}"
        ".group{font-weight:600}.label{text-anchor:end}path{fill:none;stroke:#30363d}.zero{stroke:#c9ced6}</style>"
    )
    size = f'width="{_WIDTH}" height="{y}" viewBox="0 0 {_WIDTH} {y}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    return "\n".join([head, style, f'<rect width="{_WIDTH}" height="{y}" fill="#fff"/>', *parts, "</svg>", ""])


def _bar(bar: Bar, y: int, scale: float, colour: str) -> list[str]:
    middle = y + _BAR / 2
    least, most = (_LEFT + value * scale for value in (bar.least, bar.most))
    return [
        _text(_LEFT - 8, y + 12, bar.label, "label"),
        f'<rect x="{_LEFT}" y="{y}" width="{bar.value * scale:.1f}" height="{_BAR}" rx="2" fill="{colour}"/>',
        f'<path d="M{least:.1f} {middle}H{most:.1f}M{least:.1f} {middle - 3}v6M{most:.1f} {middle - 3}v6"/>',
        _text(round(most) + 8, y + 12, f"{bar.value:.2f}", "figure"),
    ]


def _text(x: float, y: float, text: str, kind: str) -> str:
    return f'<text x="{x}" y="{y}" class="{kind}">{escape(text)}</text>'
