"""The figures of compare.py as Markdown."""

import statistics

BASE = "mosquitto"


def found(rounds, key):
    """What was measured, round by round; None where nothing was."""
    return [each.get(key) if each else None for each in rounds]


def middle(rounds, key):
    values = [each for each in found(rounds, key) if each is not None]
    return statistics.median(values) if values else None


def ratios(rounds, base, key):
    pairs = zip(found(rounds, key), found(base, key))
    return [ours / theirs for ours, theirs in pairs if ours is not None and theirs]


def number(value, digits):
    return "-" if value is None else f"{value:,.{digits}f}"


def with_unit(value, metric):
    space = "" if metric.unit == "/s" else " "
    return "-" if value is None else f"{number(value, metric.digits)}{space}{metric.unit}"


def spread(values, digits=3):
    if not values:
        return "-"
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def judge(metric, ours, base):
    """What counts, as text, and whether the target is met; None when it was not measured."""
    if metric.of == "absolute":
        values = [each for each in found(ours, metric.key) if each is not None]
        shown = with_unit(statistics.median(values), metric) if values else "-"
    else:
        values = ratios(ours, base, metric.key)
        shown = spread(values)
    if not values:
        return shown, None
    value = statistics.median(values)
    return shown, value >= metric.target if metric.at_least else value <= metric.target


def target_text(metric):
    relation = "at least" if metric.at_least else "at most"
    if metric.of == "absolute":
        return f"{relation} {with_unit(metric.target, metric)}"
    bracket = f" [{metric.bracket:g}]" if metric.bracket else ""
    return f"{relation} {metric.target:g}{bracket}"


def row(cells):
    return "| " + " | ".join(cells) + " |"


def targets_table(scenarios, results, verdicts):
    """`verdicts` gets one entry for each target."""
    lines = [row(["", "", "KeepMQ", "mosquitto", "ratio (lowest to highest)", "target", ""]),
             "|---|---|---|---|---|---|---|"]
    for scenario in scenarios:
        ours, base = (results[scenario.key].get(name, []) for name in ("keepmq", BASE))
        for metric in scenario.metrics:
            if metric.target is None or not ours:
                continue
            shown, met = judge(metric, ours, base)
            verdicts.append({"scenario": scenario.key, "metric": metric.key, "target": metric.target,
                             "shown": shown, "met": met})
            word = {True: "met", False: "**missed**", None: "not measured"}[met]
            lines.append(row([scenario.title, metric.title, with_unit(middle(ours, metric.key), metric),
                              with_unit(middle(base, metric.key), metric),
                              spread(ratios(ours, base, metric.key)), target_text(metric), word]))
    return lines


def figures_table(scenarios, results, peers):
    """Medians of everything, and the ratio to mosquitto behind."""
    lines = [row(["", "", *(peer.title for peer in peers.values())]), "|---|---|" + "---|" * len(peers)]
    for scenario in scenarios:
        for index, metric in enumerate(scenario.metrics):
            cells = [scenario.title if index == 0 else "", f"{metric.title}, {metric.unit}".replace(", /s", "/s")]
            base = results[scenario.key].get(BASE, [])
            for name in peers:
                rounds = results[scenario.key].get(name, [])
                text = number(middle(rounds, metric.key), metric.digits)
                relation = ratios(rounds, base, metric.key) if name != BASE else []
                cells.append(f"{text} ({statistics.median(relation):.2g})" if relation else text)
            lines.append(row(cells))
    return lines
