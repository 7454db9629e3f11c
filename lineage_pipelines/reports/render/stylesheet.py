"""Stylesheet: how a page looks: on a screen, light and dark, on a phone, on paper. Nothing comes from elsewhere."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fcfcfb; --card: #ffffff; --ink: #1c1d21; --soft: #5d616b; --line: #dedfe3; --faint: #f1f1f3;
  --before: #8d929e; --before-fill: #c9ccd3; --now: #1f5fbf; --now-fill: #8db4ea;
  --good: #1f5fbf; --bad: #b4451f; --warn: #7a4b00; --warn-paper: #fff4dc; --warn-line: #e0a93a;
  --added: #14653a; --added-paper: #e6f4ea; --gone: #9c2a1b; --gone-paper: #fcebe8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16171a; --card: #1d1f23; --ink: #e8e9ec; --soft: #a3a8b3; --line: #35383f; --faint: #25272c;
    --before: #9aa0ad; --before-fill: #565b67; --now: #7fb0f5; --now-fill: #2f5a99;
    --good: #7fb0f5; --bad: #f0926e; --warn: #ffd68a; --warn-paper: #322811; --warn-line: #8f6a1c;
    --added: #8fd6aa; --added-paper: #16301f; --gone: #f3a597; --gone-paper: #3a1d19;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; max-width: 72rem; padding: 2rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: anywhere;
}
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 1rem; text-wrap: balance; }
h2 { font-size: 1.2rem; margin: 0 0 .75rem; }
h3 { font-size: 1rem; margin: 1.75rem 0 .5rem; }
section { border-top: 1px solid var(--line); margin-top: 1.25rem; padding: 1.5rem 0 0; }
p { margin: .6rem 0; max-width: 46rem; }
.dim { color: var(--soft); font-size: .9rem; }
.warn {
  background: var(--warn-paper); color: var(--warn); border-left: 4px solid var(--warn-line); padding: .6rem .9rem;
  border-radius: 0 4px 4px 0;
}
ol.ranked { margin: 0; padding: 0; list-style: none; counter-reset: rank; max-width: 54rem; }
ol.ranked li {
  counter-increment: rank; display: grid; grid-template-columns: 2rem minmax(0, 1fr) auto; gap: .25rem .5rem;
  padding: .5rem 0;
  border-bottom: 1px solid var(--faint); align-items: baseline;
}
ol.ranked li::before {
  content: counter(rank) "."; color: var(--soft); text-align: right; font-variant-numeric: tabular-nums;
}
ol.ranked li:first-child { font-weight: 600; font-size: 1.08rem; }
.tag {
  font-size: .75rem; font-weight: 400; color: var(--soft); border: 1px solid var(--line); border-radius: 1rem;
  padding: 0 .55rem; max-width: 12rem;
}
dl {
  display: grid; grid-template-columns: fit-content(14rem) minmax(0, 1fr); gap: .2rem 1rem; margin: .5rem 0;
  max-width: 54rem;
}
dt { color: var(--soft); }
dd { margin: 0; min-width: 0; }
.scroll { overflow-x: auto; margin: .5rem 0 1rem; }
table { border-collapse: collapse; font-size: .9rem; }
caption { text-align: left; font-weight: 600; padding: .5rem 0; }
th, td {
  text-align: left; vertical-align: top; padding: .35rem .9rem .35rem 0; border-bottom: 1px solid var(--faint);
  overflow-wrap: break-word;
}
th { color: var(--soft); font-weight: 500; border-bottom-color: var(--line); white-space: nowrap; }
td { unicode-bidi: isolate; min-width: 5.5rem; max-width: 24rem; }
td.number { min-width: 0; }
th:first-child:empty, td:first-child { min-width: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
details { margin: .6rem 0; border: 1px solid var(--line); border-radius: 4px; background: var(--card); }
summary {
  padding: .4rem .75rem; cursor: pointer; font: .85rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace;
}
.empty > summary { list-style: none; cursor: default; }
pre {
  margin: 0; padding: .5rem 0; border-top: 1px solid var(--line); overflow-x: auto; overflow-wrap: normal;
  font: .8rem/1.45 ui-monospace, "SF Mono", Menlo, Consolas, monospace;
}
pre span { display: block; padding: 0 .75rem; width: max-content; min-width: 100%; }
pre .plus { background: var(--added-paper); color: var(--added); }
pre .minus { background: var(--gone-paper); color: var(--gone); }
details > .dim { padding: 0 .75rem; }
ul.tree, ul.tree ul { list-style: none; margin: 0; padding-left: 1.1rem; border-left: 1px solid var(--line); }
.pictures {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(min(19rem, 100%), 1fr)); gap: 1rem; margin: 1rem 0;
  align-items: start;
}
figure {
  margin: 0; padding: .75rem .9rem; background: var(--card); border: 1px solid var(--line); border-radius: 4px;
  min-width: 0;
}
figcaption {
  font-size: .9rem; font-weight: 600; display: flex; justify-content: space-between; gap: .5rem; flex-wrap: wrap;
}
figcaption span { font-weight: 400; color: var(--soft); }
.key { font-size: .8rem; color: var(--soft); margin: .1rem 0 .3rem; }
svg { display: block; width: 100%; height: auto; max-width: 30rem; }
svg text { font: 11px system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; fill: var(--soft); }
svg .ink { fill: var(--ink); }
.axis { stroke: var(--line); stroke-width: 1; }
.before { stroke: var(--before); fill: var(--before-fill); }
.now { stroke: var(--now); fill: var(--now-fill); }
.area { stroke-width: 1.5; fill-opacity: .55; }
.stem { stroke: var(--soft); stroke-width: 2; }
.noise { fill: var(--faint); stroke: var(--line); }
.dot { stroke-width: 2; } .dot.before { fill: var(--card); } .dot.now { fill: var(--now); }
.good { fill: var(--good); } .bad { fill: var(--bad); } .unknown { fill: var(--before); }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: 1.25rem 0 0; padding: 0; list-style: none; }
nav a { color: var(--now); }
.swatch, svg { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
.swatch { display: inline-block; width: .7rem; height: .7rem; border-radius: 2px; vertical-align: -.05rem; }
.swatch.before { background: var(--before-fill); border: 1.5px solid var(--before); }
.swatch.now { background: var(--now-fill); border: 1.5px solid var(--now); }
footer { border-top: 1px solid var(--line); padding-top: 1rem; }
@media (max-width: 34rem) {
  body { padding: 1.25rem .9rem 3rem; }
  h1 { font-size: 1.35rem; }
  ol.ranked li { grid-template-columns: 1.5rem minmax(0, 1fr); }
  ol.ranked .tag { grid-column: 2; justify-self: start; }
  dl { grid-template-columns: minmax(0, 1fr); gap: 0; } dd { margin: 0 0 .45rem; }
}
@media print {
  :root {
    color-scheme: light; --paper: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #999; --faint: #ddd;
    --before: #666; --before-fill: #ccc; --now: #123f85; --now-fill: #7fa6de; --good: #123f85; --bad: #8a3010;
    --warn: #000; --warn-paper: #fff; --warn-line: #000;
    --added: #000; --added-paper: #fff; --gone: #000; --gone-paper: #fff;
  }
  body { max-width: none; padding: 0; font-size: 10pt; }
  section { break-inside: auto; } h2, h3, caption, summary { break-after: avoid; }
  figure, tr, li, dl > * { break-inside: avoid; }
  .scroll, pre { overflow: visible; } pre span { width: auto; white-space: pre-wrap; }
  details::details-content { content-visibility: visible; display: block; height: auto; }
  .pictures { grid-template-columns: repeat(2, 1fr); }
  @page { margin: 18mm 15mm; }
}
"""
