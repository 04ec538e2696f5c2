// What a live page has beside the look of all pages: stages as boxes in a line, charts of the library in the page's colours.

export const liveStyle = `.stages{display:grid;gap:1.3rem;list-style:none;margin:.4rem 0 0;padding:0;grid-template-columns:minmax(0,1fr)}
.stage{position:relative;border:2px solid var(--line);border-radius:8px;padding:.5rem .8rem;font-variant-numeric:tabular-nums;}
.stage:not(:last-child)::after{content:"↓";position:absolute;left:50%;bottom:-1.45rem;color:var(--muted)}
.stage.slowest,.stage.held-back{border-color:var(--rule)}.stage.stalled{border-color:var(--dead);border-width:3px}.stage.starved{border-style:dashed}
.stage .tag{border-color:var(--rule);font-weight:600}.stage.stalled .tag{border-color:var(--dead)}.queue{height:12px}.list:empty{display:none}
.warning{border-left:4px solid var(--rule);margin-bottom:.8rem}.share{display:inline-block;width:6rem}
.u-legend{color:var(--text);font-size:12px;text-align:left}.u-legend .u-marker{border-radius:2px}.u-legend td,.u-legend th{padding:0 .25rem}
[data-connected=false] #connection{border-color:var(--dead);color:var(--text)}#report{margin-left:auto}
@media (min-width:60rem){.stages{grid-auto-flow:column;grid-auto-columns:minmax(0,1fr);grid-template-columns:none;gap:1.6rem}.stage:not(:last-child)::after{content:"→";left:auto;right:-1.35rem;bottom:auto;top:45%}}`
