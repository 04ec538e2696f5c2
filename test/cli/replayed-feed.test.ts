import assert from 'node:assert/strict'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { readFeed } from '../../src/feed/read.ts'
import * as h from '../../src/index.ts'
import { type Plan, planPipeline } from '../../src/pipeline/plan.ts'
import { planPromotion } from '../../src/promote/promote.ts'
import { writeCorpus } from '../run/fixture.ts'
import { runWhole } from '../run/replay/whole-run.ts'
import { setLimits } from '../simulate/small-limits.ts'
import { makeFolder } from '../temporary.ts'
import { parseLines, runMain } from './terminal.ts'

// A run, its replay with a lower threshold, and a run of the same pipeline as the replay: a feed goes on with either in the same way, and
// what changes feeds works on a replay's.
setLimits({ slotBytes: 12 * 1024, shardTokensMax: 4000, shardSlotsMax: 4 })

const dir = makeFolder('replayed-feed')
const [run, replayed, again] = ['run', 'replayed', 'again'].map(name => join(dir, name))

before(async () => {
  const corpus = await writeCorpus({ seed: 8, files: 3, documentsPerFile: 16 })
  // Too short for the first pipeline, and copies of each other for the second.
  const text = Array.from(
    { length: 60 },
    (_, i) => `the ${'riverside millstone sandstone woodland roadside'.split(' ')[i % 5]} of and below`,
  ).join(' ')
  const pair = ['pair-1', 'pair-2'].map(id => `${JSON.stringify({ id, text, domain: 'd0' })}\n`)
  writeFileSync(join(corpus.dir, 'pair.jsonl'), pair.join(''))
  const planOf = (wordsMin: number): Plan =>
    planPipeline(
      h
        .pipeline('test')
        .from(h.jsonl(join(corpus.dir, '*.jsonl')))
        .annotate(h.normalize(), h.gopherQuality(), h.signature())
        .decide(h.rules({ gopherWords: { below: wordsMin } }), h.exactDuplicates(), h.nearDuplicates())
        .tokenize('gpt2')
        .feed({ length: 128, batch: 2, blockTokens: 4000 }),
    )
  await runWhole(run, planOf(400))
  await runWhole(replayed, planOf(200), { replay: { of: run } })
  await runWhole(again, planOf(200))
})

interface Traced {
  readonly id: string
  readonly fate: string
  readonly slot: number
  readonly row: number
  readonly shard: { readonly path: string } | null
  readonly samples: readonly { readonly steps: readonly number[] }[]
}

async function fatesOf(name: string): Promise<Traced[]> {
  const { status, out, err } = await runMain(['fates', '--dir', dir, '--run', name])
  assert.equal(status, 0, err)
  return parseLines(out) as unknown as Traced[]
}

async function succeed(...args: string[]): Promise<string> {
  const { status, out, err } = await runMain(args)
  assert.equal(status, 0, `${err}${out}`)
  return out
}

const verify = (name: string) => succeed('verify', '--dir', dir, '--run', name, '--steps', '8')

test('a fork of an ended feed goes on with a replay, by the commands that the refusal names', async () => {
  const whole = await Array.fromAsync(readFeed(join(run, 'feed')))
  const refused = await runMain(['promote', run, replayed, '--at', '2'])
  assert.equal(refused.status, 64)
  const commands = refused.err
    .replace(/\s+/g, ' ')
    .match(/headrace (fork \S+ --at 2 --bare), and then headrace (promote \S+ \S+ --feed \S+)/)!
  assert.match(await succeed(...commands[1].split(' ')), /steps +2; promote it, or plan its own steps/)
  const { rows, steps, domains } = JSON.parse(await succeed(...commands[2].split(' '), '--json'))
  assert.ok(steps > 3 && rows.fed > 0)
  const fork = join(run, 'forks', 'at-2')
  const batches = await Array.fromAsync(readFeed(fork))
  assert.deepEqual(batches.slice(0, 2), whole.slice(0, 2))
  await succeed('fork', run, '--at', '2', '--bare', '--name', 'other')
  const other = await planPromotion(run, again, { feed: join(run, 'forks', 'other') })
  assert.deepEqual([other.entry.promote.rows, other.selection!.counts], [rows, domains])
  await verify('run')
  const { status, err } = await runMain(['remove', 'replayed', '--dir', dir])
  assert.deepEqual([status, /\brun\b/.test(err)], [64, true], err)
})

test('a document that the run has dropped is traced to the shard and the steps that feed it', async () => {
  await succeed('promote', run, replayed, '--backfill', 'd0=d0-again', '--backfill', 'd1=d1-again')
  const kept = new Set((await fatesOf('replayed')).filter(({ fate }) => fate === 'kept').map(({ id }) => id))
  const back = (await fatesOf('run')).filter(({ fate, id }) => fate === 'dropped' && kept.has(id))
  const traced: Traced[] = []
  for (const { id } of back.slice(0, 12))
    traced.push(...(parseLines(await succeed('trace', id, '--dir', dir, '--run', 'run', '--json')) as never[]))
  const fed = traced.filter(({ samples }) => samples.some(({ steps }) => steps.length > 0))
  assert.ok(fed.length > 0)
  const batches = new Map((await Array.fromAsync(readFeed(join(run, 'feed')))).map(batch => [batch.step, batch]))
  for (const { id, shard, samples } of fed) {
    assert.match(shard!.path, /^\.\.\/promoted\/[0-9a-f]{16}\//)
    for (const step of samples.flatMap(({ steps }) => steps)) assert.ok(batches.get(step)!.documents.includes(id))
  }
  const [{ id }] = fed
  const text = await succeed('trace', id, '--dir', dir, '--run', 'run')
  assert.match(text, /fate +dropped: .*\n +shard +promoted\/.* of a run that the feed was promoted\s+to, tokens/)
  const audit = JSON.parse(await succeed('audit', '--document', id, '--dir', dir, '--run', 'run', '--json'))
  const audited = audit.documents.find((one: { id: string }) => one.id === id)
  assert.deepEqual([audited.fate, audited.shard.path], ['dropped', fed[0].shard!.path])
  assert.deepEqual(
    audited.samples.flatMap(({ step }: { step: number | null }) => (step === null ? [] : [step])),
    fed[0].samples.flatMap(({ steps }) => steps),
  )
  await verify('run')
})

test('copies that the run alone has found to which the feed was promoted are taken down, and told where it is gone', async () => {
  const file = join(makeFolder('names'), 'names.txt')
  writeFileSync(file, 'pair-2\n')
  const plan = async () => {
    const { out, err, status } = await runMain([
      'take-down',
      '--ids',
      file,
      '--dir',
      dir,
      '--run',
      'run',
      '--at',
      '0',
      '--unread',
      '--plan',
      '--json',
    ])
    assert.equal(status, 0, err)
    const [summary, ...rows] = parseLines(out).reverse()
    return { err, masked: summary.masked, ids: rows.map(({ id }) => id).sort() }
  }
  assert.deepEqual(await plan(), { err: '', masked: 1, ids: ['pair-1', 'pair-2'] })
  const audit = JSON.parse(await succeed('audit', '--document', 'pair-2', '--dir', dir, '--run', 'run', '--json'))
  assert.equal(audit.documents.length, 2)
  renameSync(replayed, `${replayed}-away`)
  const { err, ids } = await plan()
  renameSync(`${replayed}-away`, replayed)
  assert.deepEqual(ids, ['pair-2'])
  assert.match(err, /copies that only that run has found are not looked for: .* no longer in .*replayed: .*put it back/)
})

test("documents are taken down from a replay's feed by the rows of the run that it replays", async () => {
  const kept = (await fatesOf('replayed')).filter(({ fate }) => fate === 'kept')
  const fed = new Set((await Array.fromAsync(readFeed(join(replayed, 'feed')))).flatMap(batch => batch.documents))
  const own = (await fatesOf('run')).filter(({ fate, id }) => fate === 'dropped' && fed.has(id))
  const names = [own[0], kept.find(({ id }) => fed.has(id))!].map(({ id }) => id)
  const file = join(makeFolder('names'), 'names.txt')
  writeFileSync(file, `${names.join('\n')}\n`)
  const args = ['take-down', '--ids', file, '--dir', dir, '--run', 'replayed', '--at', '0', '--unread', '--json']
  const masked = (parseLines(await succeed(...args)) as unknown as Traced[]).slice(0, -1)
  const places = new Map((await fatesOf('replayed')).map(one => [`${one.slot}:${one.row}`, one]))
  for (const { id, slot, row } of masked) assert.equal(places.get(`${slot}:${row}`)!.id, id)
  const gone = new Set(masked.map(({ id }) => id))
  let pieces = 0
  for await (const { documents, cuSeqlens, targets } of readFeed(join(replayed, 'feed')))
    for (const [i, id] of documents.entries()) {
      const piece = targets.subarray(cuSeqlens[i], cuSeqlens[i + 1])
      if (id === '') continue
      assert.equal(
        piece.every(target => target === -100),
        gone.has(id) || piece.length === 1,
        id,
      )
      pieces += Number(gone.has(id))
    }
  assert.ok(pieces >= names.length)
  await verify('replayed')
})
