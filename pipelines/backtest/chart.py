"""A line chart as inline SVG: needs no script, reads in light and dark, says its values to screen readers."""

from collections.abc import Mapping, Sequence

from markupsafe import Markup, escape

from pipelines.backtest.wording import in_words

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 520, 210, 58, 12, 12, 28


def line_chart(
    places: Sequence[str], lines: Mapping[str, Sequence[float | None]], names: Mapping[str, str], unit: str
) -> Markup:
    """One line each of ``lines`` over ``places``; a missing value breaks the line. Colours by class name."""
    most = max((v for values in lines.values() for v in values if v is not None), default=0.0) or 1.0
    top = _round_up(most)

    def x(place: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (place + 0.5) / max(1, len(places))

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / top)

    parts = [
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(v):.1f}" y2="{y(v):.1f}"/>'
        f'<text class="tick" x="{LEFT - 8}" y="{y(v) + 4:.1f}" text-anchor="end">'
        f"{escape(in_words(v, unit))}</text>"
        for v in (0.0, top / 2, top)
    ]
    parts += [
        f'<text class="tick" x="{x(i):.1f}" y="{HEIGHT - 8}" text-anchor="middle">{escape(place)}</text>'
        for i, place in enumerate(places)
    ]
    for arm, values in lines.items():
        points = [(x(i), y(v), v) for i, v in enumerate(values) if v is not None]
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b, _ in points)
        parts.append(f'<polyline class="line {escape(arm)}" points="{path}"/>')
        parts += [
            f'<circle class="dot {escape(arm)}" cx="{a:.1f}" cy="{b:.1f}" r="4">'
            f"<title>{escape(names.get(arm, arm))}: {escape(in_words(v, unit))}</title></circle>"
            for a, b, v in points
        ]
    body = "".join(parts)
    return Markup(f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{body}</svg>')  # noqa: S704 - escaped above


def _round_up(value: float) -> float:
    """The next number like 1, 2, 2.5, 4, 5, 6, 8 times a power of ten."""
    size = 1.0
    while size > value:
        size /= 10
    while size * 10 < value:
        size *= 10
    return next(step * size for step in (1, 2, 2.5, 4, 5, 6, 8, 10) if step * size >= value)
