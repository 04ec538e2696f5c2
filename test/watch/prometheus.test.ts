import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Family, formatMetrics, Histogram, LabelValues } from '../../src/watch/prometheus.ts'
import { parseMetrics } from './prometheus-text.ts'

const one = (labels: Record<string, string>, value = 1): Family => ({
  ...{ name: 'a_total', type: 'counter', help: 'What a is.' },
  samples: [{ labels, value }],
})

const texts: [Family[], string][] = [
  [[], ''],
  [[{ name: 'a_total', type: 'counter', help: 'a', samples: [] }], ''],
  [[one({})], '# HELP a_total What a is.\n# TYPE a_total counter\na_total 1\n'],
  [[one({ b: 'c', d: '' })], '# HELP a_total What a is.\n# TYPE a_total counter\na_total{b="c",d=""} 1\n'],
  [[one({ b: 'x"y\\z\nw' })], '# HELP a_total What a is.\n# TYPE a_total counter\na_total{b="x\\"y\\\\z\\nw"} 1\n'],
  [[{ ...one({}), help: 'two\nlines \\ "' }], '# HELP a_total two\\nlines \\\\ "\n# TYPE a_total counter\na_total 1\n'],
  ...(
    [
      [Number.POSITIVE_INFINITY, '+Inf'],
      [Number.NEGATIVE_INFINITY, '-Inf'],
      [Number.NaN, 'NaN'],
      [2 ** 53, '9007199254740992'],
      [1e-9, '1e-9'],
    ] as const
  ).map(([value, text]): [Family[], string] => [
    [one({}, value)],
    `# HELP a_total What a is.\n# TYPE a_total counter\na_total ${text}\n`,
  ]),
]
test('metrics are written as the format says', () => {
  for (const [families, text] of texts) assert.equal(formatMetrics(families), text)
})

test('what is written is read back, whatever the names', () => {
  const names = ['', 'plain', '"', '\\', '\n', '\\n', 'a="b",c="d"', '}', ' ', 'é\u2028', '\u001b[31m', '__proto__']
  const family = { ...one({}), samples: names.map(name => ({ labels: { name }, value: 1 })) }
  const { samples } = parseMetrics(formatMetrics([family])).get('a_total')!
  assert.deepEqual(
    Array.from(samples.values(), ({ labels }) => labels.name),
    names,
  )
})

test('the parser refuses what is not the format', () => {
  const head = '# HELP a_total a\n# TYPE a_total counter\n'
  const wrong = [
    'a_total 1\n',
    `${head}`,
    `${head}a_total 1`,
    `${head}b_total 1\n`,
    `${head}a_total{b=c} 1\n`,
    `${head}a_total{b="c"d="e"} 1\n`,
    `${head}a_total{b="c",b="d"} 1\n`,
    `${head}a_total{b="\\x"} 1\n`,
    `${head}a_total x\n`,
    `${head}a_total -1\n`,
    `${head}a_total 1\na_total 2\n`,
    `${head}a_total 1\n${head}a_total 1\n`,
    '# HELP a a\n# TYPE a counter\na 1\n',
    '# TYPE a_total counter\na_total 1\n',
    '# HELP h h\n# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',
  ]
  for (const text of wrong) assert.throws(() => parseMetrics(text), Error, text)
})

test('a histogram counts a value in every bucket from its own on', () => {
  const histogram = new Histogram([1, 2])
  for (const value of [0.5, 1, 1.5, 9]) histogram.observe(value)
  const values = histogram.samples({ stage: 's' }).map(({ suffix, labels, value }) => [suffix, labels.le, value])
  assert.deepEqual(values, [
    ['_bucket', '1', 2],
    ['_bucket', '2', 3],
    ['_bucket', '+Inf', 4],
    ['_sum', undefined, 12],
    ['_count', undefined, 4],
  ])
})

test('a label that comes from documents steers no terminal that shows the page', () => {
  assert.equal(new LabelValues(2).of('a\u001b[31m\u009b\u202e\nb'), 'a\ufffd[31m\ufffd\ufffd b')
})

test('a label has few values, each of them short, and one that was given stays', () => {
  const values = new LabelValues(2)
  const long = 'x'.repeat(500)
  assert.deepEqual(
    [...values.group(Object.entries({ a: 1, [long]: 2, c: 3, d: 4 }))],
    [
      ['a', 1],
      [`${'x'.repeat(127)}…`, 2],
      ['(others)', 7],
    ],
  )
  assert.deepEqual(
    [...values.group(Object.entries({ d: 9, c: 3, [`${long}y`]: 1, a: 1 }))],
    [
      ['(others)', 12],
      [`${'x'.repeat(127)}…`, 1],
      ['a', 1],
    ],
  )
})
