import { cleanName, printable } from '../../text/printable.ts'
import type { LiveData, LiveSetup } from '../live/live-data.ts'
import { listenForReasons, make, note, panelOf } from './dom.ts'
import { LiveDocuments } from './live-documents.ts'
import { describeDomains, describeFigures, describeReasons } from './live-figures.ts'
import { Charts } from './live-series.ts'
import { describeStages } from './live-stages.ts'
import { showSample } from './live-what-if.ts'
import { serverUrl } from './server.ts'
import { update } from './update.ts'

// The script of a run's live page. It is told by its server how the run goes, and draws that; it changes nothing.

const setup: LiveSetup = JSON.parse(document.getElementById('data')!.textContent!)
const charts = new Charts(panelOf('series'))
/** Charts of a run that was at rest since the page was opened say nothing. */
let wasAtWork = false

showSample(panelOf('what-if'))
if (setup.hasDocuments) listenForReasons(panelOf('reasons'), new LiveDocuments(panelOf('documents')))
else
  panelOf('documents').append(
    note('Documents are shown on this machine alone, or where the server was started with --http-documents.'),
  )
watch()

/** The page begins anew with each connection, so that nothing of before is left after a restart. */
function watch(): void {
  const source = new EventSource(serverUrl('api/events'))
  source.addEventListener('open', () => say('connected', true))
  source.addEventListener('history', event => charts.begin(JSON.parse(event.data)))
  source.addEventListener('point', event => charts.add(JSON.parse(event.data)))
  source.addEventListener('look', event => draw(JSON.parse(event.data)))
  source.addEventListener('error', () => {
    // A connection that was refused is not tried again by the browser.
    if (source.readyState === EventSource.CLOSED) setTimeout(watch, retryMs)
    say('no connection: what stands here is of before; trying again', false)
  })
}

const retryMs = 5000

function say(text: string, isConnected: boolean): void {
  const chip = panelOf('connection')
  if (chip.textContent !== text) chip.textContent = text
  document.documentElement.dataset.connected = String(isConnected)
}

function draw(data: LiveData): void {
  // Another run is at this address now: its page has other parts.
  if (data.run !== setup.run) return void location.reload()
  wasAtWork ||= data.state === 'running' || data.state === 'quiet'
  panelOf('series').parentElement!.hidden = !wasAtWork
  update(panelOf('state'), [make('b', {}, data.state)])
  update(panelOf('notes'), notesOf(data))
  update(panelOf('figures'), describeFigures(data))
  update(panelOf('stages'), describeStages(data))
  update(panelOf('domains'), describeDomains(data))
  update(panelOf('reasons'), describeReasons(data), 'reason')
  document.documentElement.dataset.ready = 'true'
}

/** What a reader has to know or to do. */
function notesOf({ why, hold, first, state }: LiveData): HTMLElement[] {
  const warn = (text: string) => make('p', { class: 'card warning' }, text)
  const held = hold
    ? [
        make(
          'div',
          { class: 'card warning' },
          make('p', {}, `A guard rail holds the run at slot ${hold.slot}:`),
          make('ul', {}, ...hold.trips.map(trip => make('li', {}, cleanName(trip, 300)))),
          make('p', {}, 'This lets it pass, then the same run command goes on:'),
          make('pre', { tabindex: 0 }, printable(hold.command)),
        ),
      ]
    : []
  return [
    ...held,
    ...(why === null || hold ? [] : [warn(cleanName(why, 300))]),
    ...(state === 'stopped' && why === null ? [warn('No process has the run, and it has not ended.')] : []),
    ...(first > 0 ? [warn(`Slots before ${first} were trimmed.`)] : []),
  ]
}
