"""A run as a notebook shows it: what it says, its metrics beside the baseline, its figures.

A fragment of HTML that needs nothing else: no script, no picture from elsewhere, and styles that reach no further than
the fragment, since a notebook's page belongs to others too. It looks like the report, of which it is the beginning.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from cxai_runner.evaluation.results import Metric
from cxai_runner.report import wording
from cxai_runner.report.figures import draw_svg
from cxai_runner.report.html import PARTS, VERDICTS
from cxai_runner.report.strips import strip

if TYPE_CHECKING:
    from cxai_runner.evaluation.results import Interval
    from cxai_runner.report.document import Document

# The page's own colours where it says them (JupyterLab, Visual Studio Code), so that a dark one stays dark; else white
# paper. Figures are drawn on white.
_STYLE: Final = """
.cxai-run { --ink: var(--jp-content-font-color1, var(--vscode-editor-foreground, #1c2530));
  --soft: var(--jp-content-font-color2, var(--vscode-descriptionForeground, #5b6773));
  --page: var(--jp-layout-color0, var(--vscode-editor-background, #fff)); --line: rgb(128 144 160 / .35);
  color: var(--ink); background: var(--page); padding: 1rem 1.2rem; max-width: 62rem; overflow-wrap: break-word;
  font: 14px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif; }
.cxai-run .over { margin: 0 0 .3rem; color: #2a8fbb; font-size: 11px; font-weight: 650; letter-spacing: .06em;
  text-transform: uppercase; }
.cxai-run .headline { margin: 0 0 .8rem; font-size: 18px; line-height: 1.3; font-weight: 680; }
.cxai-run p, .cxai-run ul { margin: .5rem 0; }
.cxai-run table { border-collapse: collapse; font: inherit; font-variant-numeric: tabular-nums; margin: 0; }
.cxai-run th, .cxai-run td { padding: .35rem 1rem .35rem 0; text-align: left; background: var(--page);
  color: var(--ink); border: 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
.cxai-run th, .cxai-run .soft { color: var(--soft); font-weight: 600; }
.cxai-run .num { text-align: right; }
.cxai-run .soft { font-weight: 400; font-size: 12px; }
.cxai-run .verdict { padding: .05rem .5rem; border-radius: 1rem; font-size: 12px; font-weight: 600; color: #fff;
  background: #6b6f76; }
.cxai-run .verdict.good { background: #177245; }
.cxai-run .verdict.bad { background: #b3420a; }
.cxai-run .strip { display: block; width: 150px; height: 26px; }
.cxai-run .strip line { stroke-width: 2; }
.cxai-run .strip .model { stroke: #2a8fbb; fill: #2a8fbb; }
.cxai-run .strip .base { stroke: #9aa5af; fill: #9aa5af; }
.cxai-run .figures { display: grid; gap: 1.2rem; margin: 1rem 0;
  grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); }
.cxai-run figure { margin: 0; min-width: 0; }
.cxai-run figure svg { display: block; width: 100%; height: auto; background: #fff; border-radius: 4px; }
.cxai-run figcaption { color: var(--soft); font-size: 12px; }
.cxai-run .caveats { border-left: 4px solid #c9a227; background: rgb(201 162 39 / .1); padding: .3rem .8rem; }
"""


def fragment(document: Document, run: str, address: str) -> str:
    """Show a finished run.

    Parameters
    ----------
    document
        What it says.
    run
        Its id.
    address
        Where its report is; empty where nobody knows.
    """
    lead = document.headline_part
    parts = [_metrics(document, part) for part in (lead, *_others(document, lead)) if document.metrics.get(part)]
    return _whole(
        f"{document.task.replace('_', ' ')} · run {run[:8]}",
        document.headline,
        [
            *parts,
            _lines(f"{one.text}: {_plain(one.value)}" for one in document.estimates),
            _items("ul", (one.text for one in document.findings)),
            _figures(document),
            _caveats(document),
            _soft(f"report: {address}" if address else ""),
        ],
    )


def unfinished(run: str, status: str, facts: Mapping[str, str]) -> str:
    """Show a run that did not finish: its status, and why."""
    rows = [f"<tr><th>{_text(label)}</th><td>{_text(words)}</td></tr>" for label, words in facts.items() if words]
    return _whole(f"run {run[:8]}", f"The run is {status}.", [f"<table>{''.join(rows)}</table>"])


def _whole(over: str, headline: str, parts: Iterable[str]) -> str:
    return (
        f'<style>{_STYLE}</style><div class="cxai-run"><p class="over">{_text(over)}</p>'
        f'<p class="headline">{_text(headline)}</p>{"".join(parts)}</div>'
    )


def _others(document: Document, lead: str) -> list[str]:
    """A challenge stands beside held-out rows; training rows only where nothing else leads."""
    return [part for part in ("challenge",) if part != lead and document.metrics.get(part)]


def _metrics(document: Document, part: str) -> str:
    metrics = document.metrics[part]
    compared = any(metric.baseline is not None for metric in metrics)
    heads = [
        PARTS.get(part, part).lower(),
        document.subject,
        *([document.baseline, "difference", "", ""] if compared else []),
    ]
    head = "".join(f'<th class="num">{_text(one)}</th>' if place else f"<th>{_text(one)}</th>"
                   for place, one in enumerate(heads))  # fmt: skip
    return f"<table><tr>{head}</tr>{''.join(_row(metric, compared) for metric in metrics)}</table>"


def _row(metric: Metric, compared: bool) -> str:
    cells = [f"<td>{_text(metric.label)}</td>", _number(metric.value, strong=True)]
    if compared:
        verdict = metric.verdict
        tone = VERDICTS.get(verdict, "")
        shown = f'<span class="verdict {tone}">{_text(verdict)}</span>' if verdict else ""
        cells += [_number(metric.baseline), _number(metric.difference, sign=True)]
        cells += [f"<td>{strip(metric)}</td>", f"<td>{shown}</td>"]
    return f"<tr>{''.join(cells)}</tr>"


def _number(interval: Interval | None, *, strong: bool = False, sign: bool = False) -> str:
    if interval is None:
        return "<td></td>"
    value, bounds = wording.interval(interval, sign=sign)
    shown = f"<b>{value}</b>" if strong else value
    below = f'<br><span class="soft">{bounds}</span>' if bounds else ""
    return f'<td class="num">{shown}{below}</td>'


def _plain(interval: Interval) -> str:
    value, bounds = wording.interval(interval)
    return f"{value} (95 % interval {bounds})" if bounds else value


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"<p>{_text(line)}</p>" for line in lines)


def _items(tag: str, items: Iterable[str]) -> str:
    inside = "".join(f"<li>{_text(item)}</li>" for item in items)
    return f"<{tag}>{inside}</{tag}>" if inside else ""


def _figures(document: Document) -> str:
    # Matplotlib escapes the texts that it draws.
    drawn = [
        f"<figure><b>{_text(one.title)}</b>{draw_svg(one)}<figcaption>{_text(one.caption)}</figcaption></figure>"
        for one in document.figures
    ]
    return f'<div class="figures">{"".join(drawn)}</div>' if drawn else ""


def _caveats(document: Document) -> str:
    inside = _items("ul", (one.text for one in document.caveats))
    return f'<div class="caveats">{inside}</div>' if inside else ""


def _soft(text: str) -> str:
    return f'<p class="soft">{_text(text)}</p>' if text else ""


def _text(words: str) -> str:
    return html.escape(words)
