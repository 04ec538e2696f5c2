import { type SourceSubject, sourceSuite, testSource } from '../../conformance/source.ts'
import { utf8From } from '../../src/batch/batch.ts'
import { limits } from '../../src/limits.ts'
import type { Chunk, Parsed, Source, Split } from '../../src/sources/source.ts'
import { type Mutant, testMutants } from './mutants.ts'

// A source in memory that keeps every rule, and copies of it that break one each.

const splits: Split[] = [
  { name: 'a', stamp: '5' },
  { name: 'b', stamp: '1' },
]
const lines = { a: ['one', 'two', '', 'four', 'five'], b: ['six'] } as Record<string, string[]>

function parseLine({ split, line, bytes }: Chunk): Parsed {
  const text = Buffer.from(bytes).toString()
  const rows = text ? 1 : 0
  const column = (value: string) => utf8From(rows ? [value] : [])
  const columns = {
    ...{ text: column(text), id: column(`${split}#${line}`), domain: column(''), url: column(''), added: column('') },
    ...{ meta: column(''), file: column(split) },
    line: { kind: 'u32' as const, values: Uint32Array.from(rows ? [line] : []) },
  }
  return { batch: { rows, columns }, dead: rows ? [] : [{ line, reason: 'empty-text', detail: 'nothing' }] }
}

const good: Source = {
  name: 'memory',
  options: {},
  async *splits() {
    yield* splits
  },
  async *read({ name }, from, signal) {
    for (let i = from.offset; i < lines[name].length && !signal.aborted; i++) {
      const next = { offset: i + 1, line: i + 2 }
      yield { split: name, line: i + 1, bytes: new TextEncoder().encode(lines[name][i]), dead: [], next }
    }
  },
  parse: parseLine,
}

const subjectOf = (source: Source): SourceSubject => ({
  source,
  records: Object.entries(lines).flatMap(([file, texts]) =>
    texts.map((text, i) => (text ? { file, line: i + 1, text } : { file, line: i + 1, reason: 'empty-text' })),
  ),
  recordBytesMax: 10,
})
testSource('a source in memory', () => subjectOf(good))

/** The good source with each chunk changed by `change`. */
const withChunks = (change: (chunk: Chunk) => Chunk): Source => ({
  ...good,
  async *read(split, from, signal) {
    for await (const chunk of good.read(split, from, signal)) yield change(chunk)
  },
})
let calls = 0
const shared = new Uint8Array(1000)

const broken: [rule: RegExp, what: string, source: Source | (() => Source)][] = [
  [
    /same list/,
    'its splits change',
    {
      ...good,
      splits: async function* () {
        yield* [{ name: `${calls++}`, stamp: '' }, splits[0]]
      },
    },
  ],
  [
    /same list/,
    'it lists a split twice',
    {
      ...good,
      splits: async function* () {
        yield* [splits[0], splits[0]]
      },
    },
  ],
  [/once and in order/, 'it swallows dead records', { ...good, parse: chunk => ({ ...parseLine(chunk), dead: [] }) }],
  [
    /once and in order/,
    'it skips a split',
    {
      ...good,
      splits: async function* () {
        yield* [splits[0], { ...splits[0], name: 'c' }]
      },
      read: (s, f, g) => good.read(s.name === 'c' ? { ...s, name: 'a' } : s, f, g),
    },
  ],
  [/once and in order/, 'it changes a text', withChunks(chunk => ({ ...chunk, bytes: chunk.bytes.slice(1) }))],
  [
    /another source/,
    'its stamps are drawn',
    () => {
      const stamp = `${calls++}`
      return {
        ...good,
        async *splits() {
          for (const { name } of splits) yield { name, stamp }
        },
      }
    },
  ],
  [
    /another source/,
    'parsing goes by the order of the calls',
    () => {
      let last = 0
      return {
        ...good,
        parse: chunk => {
          const isBack = chunk.line < last
          last = chunk.line
          return parseLine({ ...chunk, line: chunk.line + Number(isBack) })
        },
      }
    },
  ],
  [
    /any position/,
    'it begins again when resumed',
    { ...good, read: (split, _, signal) => good.read(split, { offset: 0, line: 1 }, signal) },
  ],
  [
    /any position/,
    'its positions are one too far',
    withChunks(chunk => ({ ...chunk, next: { ...chunk.next, offset: chunk.next.offset + 1 } })),
  ],
  [/names its split/, 'its lines count from 0', withChunks(chunk => ({ ...chunk, line: chunk.line - 1 }))],
  [/names its split/, 'it names another split', withChunks(chunk => ({ ...chunk, split: 'other' }))],
  [
    /same chunk/,
    'its rows depend on what came before',
    { ...good, parse: chunk => parseLine({ ...chunk, line: chunk.line + calls++ }) },
  ],
  [
    /same chunk/,
    'parsing writes to the chunk',
    {
      ...good,
      parse: chunk => {
        const parsed = parseLine(chunk)
        chunk.bytes.fill(0)
        return parsed
      },
    },
  ],
  [
    /about a slot/,
    'a chunk is two slots',
    withChunks(chunk => ({ ...chunk, bytes: new Uint8Array(2 * limits.slotBytes) })),
  ],
  [
    /owns its memory/,
    'chunks are views of one buffer',
    withChunks(chunk => ({ ...chunk, bytes: shared.subarray(0, chunk.bytes.length) })),
  ],
  [
    /document\.v1/,
    'a column is missing',
    {
      ...good,
      parse: chunk => {
        const { batch, dead } = parseLine(chunk)
        const { url: _, ...columns } = batch.columns
        return { batch: { ...batch, columns }, dead }
      },
    },
  ],
  [
    /has a reason in/,
    'a dead record says nothing',
    {
      ...good,
      parse: chunk => {
        const { batch, dead } = parseLine(chunk)
        return { batch, dead: dead.map(record => ({ ...record, detail: '' })) }
      },
    },
  ],
  [/options are JSON/, 'an option is a pattern', { ...good, options: { files: /a|b/ } }],
  [/options are JSON/, 'its origin is no option of it', { ...good, origin: ['files'] }],
  [/in a line/, 'it says nothing', { ...good, describe: () => '' }],
  [/in a line/, 'it says more than a line', { ...good, describe: () => 'memory\nof two files' }],
  [/following/, 'it forgets to follow', { ...good, following: () => good }],
  [
    /following/,
    'another one follows',
    { ...good, following: () => ({ ...good, name: 'other', options: { follow: true } }) },
  ],
  [
    /signal aborts/,
    'it reads on',
    { ...good, read: (split, from) => good.read(split, from, new AbortController().signal) },
  ],
  [
    /signal aborts/,
    'it throws',
    {
      ...good,
      async *read(split, from, signal) {
        yield* good.read(split, from, signal)
        signal.throwIfAborted()
      },
    },
  ],
]

testMutants(
  sourceSuite,
  broken.map(
    ([rule, what, source]): Mutant<SourceSubject> => [
      rule,
      what,
      () => subjectOf(typeof source === 'function' ? source() : source),
    ],
  ),
)
