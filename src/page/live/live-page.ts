import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cleanName } from '../../text/printable.ts'
import { html } from '../html.ts'
import { joinClient } from '../join-modules.ts'
import { writePage } from '../shell.ts'
import type { LiveSetup } from './live-data.ts'
import { liveStyle } from './live-style.ts'

/** The page that shows a run while it goes: what stands in it is filled by its script, from what the server of the page tells. */
export function writeLivePage(setup: LiveSetup): string {
  const name = cleanName(setup.run)
  const report = setup.hasReport ? html`<a id="report" href="report">its report</a>` : null
  const body = html`<header><h1>${name}</h1><span class="chip" id="state">looking</span><span class="chip" id="connection" role="status">connecting</span>${report}</header>
<div id="notes" aria-live="polite"></div>
<div class="figures" id="figures"></div>
<main class="grid-of">
<section class="card" aria-labelledby="stages-title"><h2 id="stages-title">Stages</h2><p class="note">From what is read to what is fed. Each waits for the one before; the slowest is what all wait for.</p><ol class="stages" id="stages"></ol></section>
<section class="card" aria-labelledby="series-title"><h2 id="series-title">The last quarter of an hour</h2><div class="small" id="series"></div></section>
<section class="card w7" aria-labelledby="domains-title"><h2 id="domains-title">Kept of each domain</h2><div id="domains"></div></section>
<section class="card w5" aria-labelledby="reasons-title"><h2 id="reasons-title">Why documents go</h2><div id="reasons"></div></section>
<section class="card" id="what-if" aria-labelledby="what-if-title"><h2 id="what-if-title">What if this threshold were another?</h2></section>
<section class="card" id="documents" aria-labelledby="documents-title"><h2 id="documents-title">Documents</h2></section>
</main>
<noscript><p>This page is drawn by its script, which is not run here. The figures are at <code>api/run</code> and <code>metrics</code>.</p></noscript>`
  const script = joinClient('live')
  return writePage({
    title: `${name}: Headrace`,
    body,
    script,
    data: setup,
    library: readChartLibrary(),
    asksServer: true,
  })
}

/** uPlot, from the package as its makers build it for pages, and the look of the page's own. */
function readChartLibrary(): { script: string; style: string } {
  const main = createRequire(import.meta.url).resolve('uplot')
  const read = (name: string) => readFileSync(main.replace(/[^/\\]*$/, name), 'utf8')
  return { script: read('uPlot.iife.min.js'), style: read('uPlot.min.css') + liveStyle }
}
