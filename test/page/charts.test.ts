import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as charts from '../../src/page/charts.ts'

const hostile = '</text><script>alert("x")</script>'

/** Each chart, of data whose names are hostile, and what it must show. */
const histogram: charts.Histogram = {
  from: 0,
  to: 1,
  kinds: ['kept', 'rule'],
  bins: [
    [3, 1],
    [0, 0],
    [0, 2],
  ],
  marks: [{ value: 0.5, text: `drops ${hostile}`, drops: 'below', isNow: true }],
  isLog: true,
}
const points = [0, 1, 2].map(i => ({ at: `${hostile} ${i}`, values: [0.25, 0.75] }))
const all: readonly [name: string, chart: charts.Chart, shows: RegExp, rects: number][] = [
  [
    'bars',
    charts.drawBars(
      [
        { name: hostile, value: 3, kind: 'kept' },
        { name: 'b', value: 0, kind: 'rule' },
      ],
      400,
    ),
    />3</,
    2,
  ],
  ['bars of nothing', charts.drawBars([], 400), /^$/, 0],
  ['histogram', charts.drawHistogram(histogram, 400, 200), /class="now"/, 4],
  ['histogram of nothing', charts.drawHistogram({ ...histogram, bins: [[0, 0]], marks: [] }, 400, 200), />1</, 0],
  ['area', charts.drawArea({ names: [hostile, 'b'], points }, 400, 200), /<polygon/, 0],
  ['area of one point', charts.drawArea({ names: ['a', 'b'], points: points.slice(0, 1) }, 400, 200), /<polygon/, 0],
  ['line', charts.drawLine({ names: ['a'], points }, 0.5, 400, 200), /<path d="M[^"]*L/, 0],
  ['line of nothing', charts.drawLine({ names: ['a'], points: [] }, 0, 400, 200), /<path d=""/, 0],
  ['stacks', charts.drawStacks([{ name: hostile, shares: [0.5, 0.5] }], 400), /class="s1"/, 2],
  [
    'heat',
    charts.drawHeat({ columns: [hostile], rows: [{ name: hostile, shares: [0.5] }], kinds: ['rule'] }, 400),
    />50%</,
    1,
  ],
  ['legend', charts.drawLegend([{ name: hostile, kind: 's0' }], 400), /class="s0"/, 1],
]
for (const [name, chart, shows, rects] of all)
  test(`${name}: names are text, places are numbers, elements are closed`, () => {
    const markup = charts.svgOf(chart, hostile).text
    assert.match(chart.body.text, shows)
    assert.equal(chart.body.text.match(/<rect/g)?.length ?? 0, rects)
    assert.ok(!/<script|NaN|Infinity|undefined/.test(markup), markup)
    for (const tag of ['svg', 'text', 'rect', 'polygon', 'circle', 'title', 'g', 'path', 'line'])
      assert.equal(
        markup.match(new RegExp(`<${tag}[ >](?![^>]*/>)`, 'g'))?.length ?? 0,
        markup.match(new RegExp(`</${tag}>`, 'g'))?.length ?? 0,
        tag,
      )
  })

test('a bin is as high as all in it, and its kinds share that', () => {
  const heights = (isLog: boolean) =>
    Array.from(
      charts
        .drawHistogram({ ...histogram, marks: [], isLog }, 400, 200)
        .body.text.matchAll(/height="([\d.]+)" class="(?:kept|rule)"/g),
      ([, height]) => Number(height),
    )
  assert.deepEqual(heights(false), [115.5, 38.5, 77])
  const [kept, ruled] = heights(true)
  assert.ok(Math.abs(kept - 3 * ruled) < 0.2 && Math.abs(kept + ruled - 154) < 0.2)
})

test('ticks are round numbers within their bounds', () => {
  assert.deepEqual(charts.ticksBetween(0, 1, 5), [0, 0.2, 0.4, 0.6, 0.8, 1])
  assert.deepEqual(charts.ticksBetween(0.31, 0.33, 4), [0.31, 0.315, 0.32, 0.325, 0.33])
  assert.deepEqual(charts.ticksBetween(-5, 12, 3), [0, 10])
  assert.deepEqual(charts.ticksBetween(3, 3, 4), [3])
})

test('a picture is a file of its own, with its colours in light and dark', () => {
  const picture = charts.drawPicture(
    hostile,
    'below',
    [charts.drawBars([{ name: 'a', value: 1, kind: 'kept' }], 300)],
    '.a{}',
  )
  assert.match(picture, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" viewBox="0 0 348 [\d.]+"/)
  assert.ok(!picture.includes('<script') && picture.includes('<style>.a{}</style>'))
})
