// Writes pipelines/sample/ from a directory of corpus files: node test/bench/make-sample.ts CORPUS_DIR OUT_DIR
//
// The corpus holds `*.jsonl` with {id, text, source, url, added, lang_expected?} a line, in order of `added`, and `truth.jsonl`
// with {dup, orig, kind, jaccard} for its copies. A document's url is https://KIND.example/PACKAGE/PATH; the table below says
// which packages may be passed on and under which licence. The same corpus gives the same bytes.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { hashUnit } from '../../src/text/hash.ts'

interface Document {
  readonly id: string
  readonly text: string
  readonly source: string
  readonly url: string
  readonly added: string
  readonly lang_expected?: string
}
interface Pair {
  readonly dup: string
  readonly orig: string
  readonly kind: string
  readonly jaccard: number
}

/** Where a page of junk claims to come from. */
const junkDomains: Record<string, string> = { 'junk-minified': 'code', 'junk-changelog': 'en-techlit' }
const exactPairs = 60
const nearPairs = 120
/** Mathematics that the sample does not have, as a seed. */
const seedDocuments: Record<string, number> = {
  'python-sympy-doc math': 24,
  'sagemath-doc math': 8,
  'metamath-databases math': 8,
}
const seedBytesMax = 8000
const bytesMin = 300

const rows = new Map<string, { wanted: number; bytesMax: number; path: RegExp; license: string }>()
for (const line of readLines(join(import.meta.dirname, 'sample-packages.txt')).slice(1)) {
  const [name, source, wanted, bytesMax, path, ...license] = line.split(' ')
  rows.set(`${name} ${source}`, {
    wanted: Number(wanted),
    bytesMax: Number(bytesMax),
    path: new RegExp(path),
    license: license.join(' '),
  })
}

const [corpus, out] = process.argv.slice(2)
const pairs: Pair[] = readLines(join(corpus, 'truth.jsonl')).map(line => JSON.parse(line))
const copies = new Map(pairs.map(pair => [pair.dup, pair]))

function readLines(file: string): string[] {
  return readFileSync(file, 'utf8').split('\n').filter(Boolean)
}
function* readCorpus(): Generator<Document> {
  for (const file of readdirSync(corpus).sort())
    if (/^corpus.*\.jsonl$/.test(file)) for (const line of readLines(join(corpus, file))) yield JSON.parse(line)
}
function packageOf(url: string): string {
  const [, , , first, second] = url.split('/')
  return first.startsWith('@') ? `${first}/${second}` : first
}
const rank = (id: string): number => hashUnit(1, id)

// First pass: what may be taken, by row of the table; a copy belongs to its original.
const fitting = new Map<string, { id: string; bytes: number }[]>()
const keys = new Map<string, string>()
const present = new Set<string>()
for (const { id, text, source, url } of readCorpus()) {
  present.add(id)
  const key = `${packageOf(url)} ${source}`
  const bytes = Buffer.byteLength(text)
  if (copies.has(id) || bytes < bytesMin || bytes > (rows.get(key)?.bytesMax ?? 0)) continue
  if (!rows.get(key)!.path.test(url)) continue
  if (!fitting.has(key)) fitting.set(key, [])
  fitting.get(key)!.push({ id, bytes })
  keys.set(id, key)
}

// Originals with a copy come first, so that there are copies enough; then the rest of each row by rank.
const chosenPairs = [...pairs]
  .filter(
    ({ orig, dup, kind }) => keys.has(orig) && present.has(dup) && !kind.startsWith('natural') && kind !== 'edit20',
  )
  .sort((a, b) => rank(a.dup) - rank(b.dup))
const exact = chosenPairs.filter(({ kind }) => kind === 'exact').slice(0, exactPairs)
const near = chosenPairs.filter(({ kind }) => kind !== 'exact').slice(0, nearPairs)
const chosen = new Map<string, string>() // id -> key
for (const { orig } of [...exact, ...near]) chosen.set(orig, keys.get(orig)!)
const seeds = new Set<string>()
for (const [key, { wanted }] of rows) {
  const ranked = (fitting.get(key) ?? []).sort((a, b) => rank(a.id) - rank(b.id))
  const taken = ranked.filter(({ id }) => chosen.has(id)).length
  const rest = ranked.filter(({ id }) => !chosen.has(id))
  for (const { id } of rest.slice(0, Math.max(0, wanted - taken))) chosen.set(id, key)
  const left = rest.filter(({ id, bytes }) => bytes < seedBytesMax && !chosen.has(id))
  for (const { id } of left.slice(0, seedDocuments[key] ?? 0)) seeds.add(id)
}
for (const { dup, orig } of [...exact, ...near]) chosen.set(dup, chosen.get(orig)!)

// Second pass: write.
rmSync(join(out, 'seed-math'), { recursive: true, force: true })
mkdirSync(join(out, 'seed-math'), { recursive: true })
const lines: string[] = []
for (const { id, text, source, url, added, lang_expected: language } of readCorpus()) {
  if (seeds.has(id)) writeFileSync(join(out, 'seed-math', `${id}.txt`), `${text}\n`)
  const key = chosen.get(id)
  if (key === undefined) continue
  const domain = source.startsWith('junk-') ? (junkDomains[source] ?? 'en-webpages') : source
  const extra = { language, kind: source, package: key.split(' ')[0], license: rows.get(key)!.license }
  lines.push(`${JSON.stringify({ id, text, domain, url, added, ...extra })}\n`)
}
const parts = 4
for (let part = 0; part < parts; part++) {
  const slice = lines.slice((part * lines.length) / parts, ((part + 1) * lines.length) / parts)
  writeFileSync(join(out, `sample-${part}.jsonl.gz`), gzipSync(slice.join(''), { level: 9 }))
}
const broken = [
  '{"id":"whole-1","text":"A good line between broken ones.","domain":"en-webpages"}',
  '{"id":"cut-off","text":"The line ends before the str',
  '{"id":"no-text","domain":"en-webpages"}',
  '{"id":"number","text":42}',
  '{"id":"null","text":null}',
  '["an array"]',
  '"a string"',
  'no JSON at all',
  '{"id":"empty","text":""}',
  '',
  '{"id":"lone-surrogate","text":"half of a pair: \\ud83d, and on it goes"}',
  '{"id":"nul","text":"before\\u0000after"}',
  '{"id":"invalid-utf8","text":"caf\xe9 in Latin-1"}',
  '{"id":"whole-2","text":"Another good line, and the last.","domain":"en-webpages"}',
]
// In Latin-1 so that the one byte above 0x7f stays a byte, which is no UTF-8.
writeFileSync(join(out, 'broken.jsonl.gz'), gzipSync(Buffer.from(`${broken.join('\n')}\n`, 'latin1'), { level: 9 }))
const truth = [...exact, ...near].map(pair => JSON.stringify(pair)).sort()
writeFileSync(join(out, 'duplicates.json'), `[\n${truth.join(',\n')}\n]\n`)
console.log(`${lines.length} documents, ${exact.length} exact and ${near.length} near copies, ${seeds.size} seed texts`)
