import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatMetrics } from '../../src/watch/prometheus.ts'
import { readMetrics } from '../../src/watch/read-metrics.ts'

test('what is read is what was written, whatever stands in the labels', () => {
  const labels = ['a', 'a "b"', 'c\\', '\\n', 'x\ny', '}', '", b="', '', '__proto__', '\u001b[2J', '水'].map(
    reason => ({
      reason,
      fate: 'dropped',
    }),
  )
  const samples = [...labels.map((one, i) => ({ labels: one, value: i })), { labels: {}, value: 1.5e12 }]
  const text = formatMetrics([{ name: 'headrace_x_total', type: 'counter', help: 'a {b="c"} 1', samples }])
  assert.deepEqual(
    readMetrics(text).map(({ name, labels, value }) => [name, { ...labels }, value]),
    samples.map(one => ['headrace_x_total', { ...one.labels }, one.value]),
  )
})

const others: [text: string, count: number][] = [
  ['', 0],
  ['<html><body>hello</body></html>\n', 0],
  ['# HELP a b\n# TYPE a counter\n', 0],
  ['a 1\nb{} 2\nc{x="y"} +Inf\nd', 3],
  [`a{${'x="y",'.repeat(50_000)}} 1`, 1],
  [`a{${'"'.repeat(300_000)}`, 0],
  [`a{b="${'\\'.repeat(300_001)}`, 0],
]
test('what is no sample is passed over, in linear time', () => {
  for (const [text, count] of others) assert.equal(readMetrics(text).length, count, text.slice(0, 40))
})
