import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { ServerLooker } from '../../src/watch/look-at-server.ts'
import { formatMetrics } from '../../src/watch/prometheus.ts'

const text = formatMetrics([
  { name: 'headrace_run_info', type: 'gauge', help: 'x', samples: [{ labels: { run: 'r' }, value: 1 }] },
  {
    name: 'headrace_rows_total',
    type: 'counter',
    help: 'x',
    samples: [
      { labels: { fate: 'kept' }, value: 7 },
      { labels: { fate: 'dropped' }, value: 2 },
      { labels: { fate: 'dead' }, value: 1 },
    ],
  },
  {
    name: 'headrace_slots_total',
    type: 'counter',
    help: 'x',
    samples: [
      { labels: { stage: 'shard' }, value: 4 },
      { labels: { stage: 'annotate' }, value: 9 },
    ],
  },
  { name: 'headrace_unsealed_slots', type: 'gauge', help: 'x', samples: [{ labels: {}, value: 3 }] },
])

// Each row: what /readyz answers, and the state and reason that is told.
const answers: [status: number, body: string, state: string, why: string | null][] = [
  [200, '{"status":"ready"}', 'running', null],
  [503, '{"status":"starting","reason":"not yet at work: shard"}', 'running', 'not yet at work: shard'],
  [503, '{"status":"failed","reason":"stage decide failed: guard-rail"}', 'stopped', 'stage decide failed: guard-rail'],
  [503, '{"status":"ended","reason":"all stages have ended"}', 'ended', null],
  [200, 'no JSON', 'running', null],
  [200, 'null', 'running', null],
]

test('what a server says, and what it said last once it is gone', async () => {
  let ready = answers[0]
  const server = createServer(({ url }, response) =>
    url === '/readyz' ? response.writeHead(ready[0]).end(ready[1]) : response.end(text),
  ).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  // What fails leaves no server behind that keeps the process.
  server.unref()
  using looker = new ServerLooker(new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
  for (ready of answers) {
    const { state, why, run, documents, kept, stages, readBytes } = await looker.look()
    assert.deepEqual([state, why, run, documents, kept, readBytes], [ready[2], ready[3], 'r', 10, 7, null])
    assert.deepEqual(stages, [
      { stage: 'annotate', slot: 9, lag: null, waitSeconds: null },
      { stage: 'shard', slot: 7, lag: null, waitSeconds: null },
    ])
  }
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
  const gone = await looker.look()
  assert.deepEqual([gone.state, gone.documents], ['gone', 10])
  assert.match(gone.why!, /does not answer \(\w+\): is the run going on/)
})
