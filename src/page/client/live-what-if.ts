import { formatCount, formatPlural } from '../../text/figures.ts'
import type { ReportData } from '../report-data.ts'
import { make } from './dom.ts'
import { unpackRows } from './rows.ts'
import { askServer } from './server.ts'
import { WhatIf, whyNoWhatIf } from './what-if.ts'

/** Thresholds to try on a sample of the run, which is read when somebody asks for it: it costs the run's process some time. */
export function showSample(panel: HTMLElement): void {
  const button = make('button', { type: 'button', id: 'read-sample' }, 'Read a sample of the run')
  const said = make(
    'p',
    { class: 'note', role: 'status' },
    'Of what is decided by now; thresholds are then tried here, and the run goes on as it is.',
  )
  const body = make('div')
  panel.append(make('div', { class: 'controls' }, button), said, body)
  button.addEventListener('click', async () => {
    button.disabled = true
    said.textContent = 'reading'
    try {
      const data = await askServer<ReportData>('api/rows')
      const why = whyNoWhatIf(data)
      said.textContent = why ?? describeSample(data)
      body.replaceChildren()
      if (why === null) new WhatIf(body, data, unpackRows(data))
    } catch (error) {
      said.textContent = `The sample could not be read: ${(error as Error).message}`
    }
    button.textContent = 'Read it again'
    button.disabled = false
  })
}

function describeSample({ rows }: ReportData): string {
  if (rows.count === rows.of) return `All ${formatPlural(rows.of, 'document')} that are decided by now.`
  return `${formatCount(rows.count)} of ${formatCount(rows.of)} documents that are decided by now, of slots chosen by a hash: counts with ≈ are estimates.`
}
