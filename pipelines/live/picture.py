"""Draws the loss of each domain over the steps as SVG, from what a trainer has reported to its feed."""

import html
import json
import os

WIDTH, HEIGHT = 960, 540
LEFT, RIGHT, TOP, BOTTOM = 64, 168, 56, 56
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#8c564b", "#e69f00", "#6a3d9a", "#4d4d4d")


def read_reports(feed, trainer):
    """The losses of each step by domain, (sum, targets), as they were reported last."""
    folder = os.path.join(feed, "trainers", trainer)
    steps = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            for line in file:
                report = json.loads(line) if line.endswith("\n") else {}
                if "losses" not in report:
                    continue
                # Who went back to a checkpoint has not seen what came after it.
                for later in [step for step in steps if step >= report["step"]]:
                    del steps[later]
                steps[report["step"]] = report["losses"]
    return steps


def smooth(steps, domain, window):
    """The mean loss of a domain's targets over the last `window` steps up to each."""
    points, recent = [], []
    for step in sorted(steps):
        recent = [*recent, steps[step].get(domain, (0.0, 0))][-window:]
        targets = sum(count for _, count in recent)
        if targets > 0:
            points.append((step, sum(loss for loss, _ in recent) / targets))
    return points


def draw_losses(steps, marks, path, domains_max=len(COLOURS)):
    """`marks` are (step, text): from where on which ranks trained."""
    counts = {}
    for losses in steps.values():
        for domain, (_, targets) in losses.items():
            counts[domain] = counts.get(domain, 0) + targets
    shown = sorted(counts, key=lambda domain: -counts[domain])[:domains_max]
    window = max(4, len(steps) // 16)
    lines = {domain: smooth(steps, domain, window) for domain in shown}
    values = [loss for points in lines.values() for _, loss in points]
    low, high, last = int(min(values)), -int(-max(values) // 1), max(steps)
    x = lambda step: LEFT + (WIDTH - LEFT - RIGHT) * step / max(1, last)
    y = lambda loss: HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (loss - low) / max(1, high - low)
    parts = [*axes(x, y, low, high, last), *(mark(x, *one) for one in marks)]
    places = spread([(y(lines[domain][-1][1]), domain) for domain in shown])
    for domain, colour in zip(shown, COLOURS):
        points = " ".join(f"{x(step):.1f},{y(loss):.1f}" for step, loss in lines[domain])
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.8" stroke-linejoin="round"/>')
        label = f"{domain[:20]} {lines[domain][-1][1]:.2f}"
        parts.append(text(WIDTH - RIGHT + 10, places[domain] + 4, label, f'fill="{colour}"'))
    title = text(LEFT, 24, "Loss by domain, while text arrives and the trainer is killed and goes on", 'font-size="15" font-weight="600"')
    note = text(LEFT, HEIGHT - 10, f"steps; each point is the mean over targets of {window} steps", 'fill="#666"')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">'
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join([head, f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>', title, note, *parts, "</svg>\n"]))


def axes(x, y, low, high, last):
    for loss in range(low, high + 1):
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(loss):.1f}" y2="{y(loss):.1f}" stroke="#e4e4e4"/>'
        yield text(LEFT - 8, y(loss) + 4, str(loss), 'text-anchor="end" fill="#666"')
    for part in range(5):
        step = round(last * part / 4)
        yield text(x(step), HEIGHT - BOTTOM + 20, str(step), 'text-anchor="middle" fill="#666"')


def mark(x, step, words):
    line = f'<line x1="{x(step):.1f}" x2="{x(step):.1f}" y1="{TOP - 8}" y2="{HEIGHT - BOTTOM}" stroke="#999" stroke-dasharray="4 4"/>'
    return line + text(x(step) + 5, TOP - 4, words, 'fill="#666"')


def spread(places, least=15):
    """Labels by name, from above to below, each at least so far behind the one before."""
    placed, before = {}, TOP - least
    for at, name in sorted(places):
        before = placed[name] = max(at, before + least)
    return placed


def text(x, y, words, style=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{html.escape(words)}</text>'


if __name__ == "__main__":
    import sys

    draw_losses(read_reports(sys.argv[1], sys.argv[2]), [], sys.argv[3])
