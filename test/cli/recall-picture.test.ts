import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { limits } from '../../src/limits.ts'
import { runIt } from '../page/made.ts'
import { randomFrom } from '../random.ts'
import { makeText } from '../run/fixture.ts'
import { setLimits } from '../simulate/small-limits.ts'
import { makeFolder } from '../temporary.ts'
import { runMain } from './terminal.ts'

// The picture of near duplicates that share a band, of whole runs: what it says of them, and why it is left out of others.

const dir = makeFolder('recall-picture')
const runs = join(dir, 'runs')
const families = 40

/** Documents of families of three: a text, one with a line more, and a word of each sentence of it. The next family has the other domain. */
function writeFamilies(): string {
  const random = randomFrom(71)
  const lines = Array.from({ length: families }, (_, i) => {
    const text = Array.from({ length: 40 }, (_, k) => makeText(random, 1).replace(' ', ` ${i}-${k} `)).join('\n')
    const words = text.split('\n').map(line => line.split(' ')[0])
    const texts = [text, `${text}\nOne line more than it had.`, words.join(' ')]
    return texts.map((text, k) => JSON.stringify({ id: `d${i}-${k}`, domain: k === 1 ? 'copies' : 'first', text }))
  })
  const file = join(dir, 'in.jsonl')
  writeFileSync(file, `${lines.flat().join('\n')}\n`)
  return file
}

/** An annotator that gives each band of each row a hash of its own. */
const breakBands = `{
  name: 'break-bands', version: 1, exact: true, options: {}, reads: ['bands'], resources: [],
  writes: [{ name: 'bands', kind: 'fixed', width: 112 }],
  annotate: ({ rows, columns }) => {
    const bytes = new Uint8Array(rows * 112)
    const words = new Uint32Array(bytes.buffer)
    for (let i = 0; i < words.length; i++) words[i] = i + 1
    return { bands: { kind: 'fixed', width: 112, bytes } }
  },
}`

const pipelines: readonly [name: string, annotators: string, deciders: string][] = [
  ['whole', 'h.signature()', 'h.nearDuplicates()'],
  ['broken', `h.signature(), ${breakBands}`, 'h.nearDuplicates()'],
  ['domains', 'h.signature()', "h.nearDuplicates({ scope: 'domain' })"],
  ['wide', 'h.signature({ bands: 5, rows: 3 })', 'h.nearDuplicates({ bands: 5, rows: 3, similarity: 0.4 })'],
  ['exact', 'h.signature()', 'h.exactDuplicates()'],
  ['ruled', 'h.signature(), h.gopherQuality()', 'h.rules({ gopherWords: { below: 1e6 } }), h.nearDuplicates()'],
]

before(async () => {
  const input = writeFamilies()
  for (const [name, annotators, deciders] of pipelines) {
    const file = join(dir, `${name}.ts`)
    const lines = [
      "import * as h from 'headrace'",
      `export default h.pipeline('${name}').from(h.jsonl(${JSON.stringify(input)}))`,
      `  .annotate(${annotators})`,
      `  .decide(${deciders})`,
    ]
    writeFileSync(file, `${lines.join('\n')}\n`)
    await runIt(file, runs)
  }
})

/** What a run's picture says; null where it is left out. */
async function draw(run: string) {
  const out = join(dir, 'pictures', run)
  const { status, out: told, err } = await runMain(['report', '--dir', runs, '--run', run, '--svg', out])
  assert.deepEqual([status, err], [0, ''])
  const file = join(out, 'recall.svg')
  const picture = existsSync(file) ? readFileSync(file, 'utf8') : null
  return { picture, told, texts: Array.from(picture?.matchAll(/>([^<]*)<\/t/g) ?? [], ([, text]) => text) }
}

const says: [run: string, below: string, found: RegExp][] = [
  [
    'whole',
    'all pairs of 120 documents',
    /^at 0\.8 and above 40 of 40 pairs share a band: 100\.0% \(91\.2% to 100\.0%\)$/,
  ],
  ['broken', 'all pairs of 120 documents', /^at 0\.8 and above 0 of 40 pairs share a band: 0\.0% \(0\.0% to 8\.8%\)$/],
  ['wide', 'all pairs of 120 documents', /^at 0\.4 and above 4\d of 4\d pairs share a band/],
]
for (const [run, below, found] of says)
  test(`${run}: ${below}`, async () => {
    const { texts, told } = await draw(run)
    assert.deepEqual(texts.slice(0, 2), ['Near duplicates that share a band', below])
    assert.match(texts.at(-1)!, found)
    assert.match(told, /, recall\.svg to /)
  })

const leftOut: [run: string, why: string][] = [
  ['exact', 'this run did not look for near-duplicates'],
  ['domains', 'no two documents that came to nearDuplicates() have a similarity of 0.3 or more'],
  ['ruled', 'no two documents that came to nearDuplicates() have a similarity of 0.3 or more'],
]
for (const [run, why] of leftOut)
  test(`${run}: left out, as ${why}`, async () => {
    const { picture, told } = await draw(run)
    assert.equal(picture, null)
    assert.ok(told.includes(`\nleft out: recall.svg: ${why}\n`), told)
  })

test('with less room and time some documents are compared, and it says so; the same again', async () => {
  const { reportSignatureBytesMax, reportPlacesMax } = limits
  setLimits({ reportSignatureBytesMax: 90 * 224, reportPlacesMax: 30 * 90 * 112 })
  try {
    const { texts, picture } = await draw('whole')
    assert.equal(texts[1], 'pairs of 30 documents with 90 of 120, both chosen by hashes of addresses')
    assert.equal((await draw('whole')).picture, picture)
  } finally {
    setLimits({ reportSignatureBytesMax, reportPlacesMax })
  }
})
