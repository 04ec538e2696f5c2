import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { readHead } from '../../src/feed/files/head.ts'
import { runHeadrace, writeCorpus } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { parseLines, runMain } from './terminal.ts'

// Runs whose forks go on with samples of another length, by the command line.
const dir = makeFolder('lengths')
const at = 6
const pipelineOf = (wordsMin: number) => (glob: string) =>
  `h.pipeline('test')
  .from(h.jsonl(${glob}))
  .annotate(h.gopherQuality({ wordsMin: ${wordsMin} }), h.signature())
  .decide(h.rules(), h.exactDuplicates(), h.nearDuplicates())
  .tokenize('gpt2')
  .feed({ length: 128, batch: 4, blockTokens: 5000 })`
const long = join(dir, 'A', 'forks', 'long')
const promoted = join(dir, 'A', 'forks', 'promoted')

before(async () => {
  const corpus = await writeCorpus({ seed: 3, files: 2, documentsPerFile: 40 })
  const begin = async (name: string, wordsMin: number) => {
    const file = join(corpus.dir, `${name}.ts`)
    const glob = JSON.stringify(join(corpus.dir, '*.jsonl'))
    writeFileSync(file, `import * as h from 'headrace'\nexport default ${pipelineOf(wordsMin)(glob)}\n`)
    const { status, err } = await runHeadrace(['run', file, '--dir', dir, '--run', name, '--workers', '1'])
    assert.equal(status, 0, err)
  }
  await Promise.all([begin('A', 450), begin('B', 200)])
})

async function sound(...args: string[]): Promise<string> {
  const { status, out, err } = await runMain(args)
  assert.equal(status, 0, `${args.join(' ')}: ${out}${err}`)
  return out
}
interface Piece {
  readonly id: string
  readonly tokens: number
  readonly masked: string
}

const verify = () => sound('verify', '--dir', dir, '--run', 'A', '--steps', '20')
const stepsOf = async (feed: string) => parseLines(await sound('feed', feed, '--json'))

test('a fork goes on with longer samples, and every command takes it or says what to do', async () => {
  const fork = ['fork', join(dir, 'A'), '--at', String(at), '--name', 'long']
  await sound(...fork, '--bare')
  const said = await sound('batch', '--feed', long, '--sample-tokens', '256', '--note', 'longer context')
  assert.match(said, /^2 samples a step, samples of 256 tokens from step 6 of /)
  await sound(...fork)
  const steps = await stepsOf(long)
  assert.deepEqual(
    steps.map(({ samples, length }) => [samples, length]),
    steps.map((_, step) => (step < at ? [4, 128] : [2, 256])),
  )
  assert.ok(steps.length > at + 4)
  await verify()
  const domains = await sound('feed', long, '--domains')
  assert.match(domains, /step 6: 2 samples a step, samples of 256 tokens\n.*longer context/)
  const [{ padding }] = JSON.parse(await sound('feed', long, '--domains', '--json')).domains
  assert.ok(padding >= 0 && padding < 0.1, `a padding of ${padding}`)
  const out = join(dir, 'exported')
  const refused = await runMain(['export', long, '--to', 'mds', '--out', out])
  assert.equal(refused.status, 64)
  assert.match(refused.err, /the length of samples changes at step 6, and an export has one: give --steps 0:6 /)
  await sound('export', long, '--to', 'mds', '--out', out, '--steps', `${at}:${steps.length}`)
  await sound('materialise', long)
  await verify()
})

test('a document is found in the samples that were fed, before the change and after it, and taken down there', async () => {
  const audit = async (...args: string[]) => JSON.parse(await sound('audit', '--feed', long, '--json', ...args))
  const piecesAt = async (step: number) => (await audit('--step', String(step))).documents as Piece[]
  let inBoth = 0
  for (const id of new Set([...(await piecesAt(at - 1)), ...(await piecesAt(at))].map(piece => piece.id))) {
    const [document] = (await audit('--document', id)).documents
    const fed = document.samples as { step: number | null; cut?: number; tokens: number }[]
    assert.ok(fed.every(({ step, cut = 0 }) => step === null || step < at === (cut === 0)))
    const tokens = fed.reduce((sum, sample) => sum + sample.tokens, 0)
    assert.equal(tokens, document.shard.tokens, `each token of ${id} is in one sample`)
    if (fed.some(({ cut }) => cut === 1) && fed.some(({ cut }) => cut === undefined)) inBoth++
  }
  assert.ok(inBoth > 0, 'some documents were fed in part before')
  const [masked] = await piecesAt(at)
  const ids = join(dir, 'ids')
  writeFileSync(ids, `${masked.id}\n`)
  await sound('take-down', '--ids', ids, '--feed', long, '--at', '0', '--unread')
  assert.ok((await piecesAt(at)).some(piece => piece.id === masked.id && piece.masked === 'targets'))
  await verify()
})

test('a feed goes on with another run behind the change, and a fork of it keeps its lengths', async () => {
  const fork = ['fork', join(dir, 'A'), '--at', String(at), '--name', 'promoted']
  await sound(...fork, '--bare')
  await sound('batch', '--feed', promoted, '--sample-tokens', '256')
  await sound(
    'promote',
    join(dir, 'A'),
    join(dir, 'B'),
    '--feed',
    promoted,
    '--at',
    String(at),
    '--backfill',
    'd0=again',
  )
  const steps = await stepsOf(promoted)
  assert.ok(steps.length > at + 8 && steps.slice(at).every(({ length }) => length === 256))
  assert.ok(steps.some(({ domains }) => 'again' in (domains as object)))
  await verify()
  await sound('fork', promoted, '--at', '8', '--skip', '8-9', '--name', 'later')
  const later = await stepsOf(join(dir, 'A', 'forks', 'later'))
  const samplesOf = ({ tokens, domains, documents }: (typeof later)[0]) => ({ tokens, domains, documents })
  assert.deepEqual(later.slice(8).map(samplesOf), steps.slice(10).map(samplesOf))
  assert.equal((await readHead(join(dir, 'A', 'forks', 'later')))!.version, 5)
  await verify()
})

test('a feed of several runs takes a longer length and a replay', async () => {
  const home = join(dir, 'both')
  const unite = ['unite', home]
  await sound(...unite, '--run', join(dir, 'A'), '--run', join(dir, 'B'), '--duplicates', 'keep', '--steps', String(at))
  await sound('batch', home, '--sample-tokens', '256')
  await sound('mix', home, '--replay', '0.25')
  await sound(...unite)
  const steps = await stepsOf(join(home, 'feed'))
  assert.ok(steps.length > at + 8 && steps.slice(at).every(({ length }) => length === 256))
  assert.ok(Object.keys((await readHead(join(home, 'feed')))!.replayed!).length > 0)
  await sound('verify', home)
})
