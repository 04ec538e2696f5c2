import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { readHead } from '../../src/feed/files/head.ts'
import { readFeed } from '../../src/feed/read.ts'
import { runHeadrace, writeCorpus, writePipeline } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { parseLines, runMain } from './terminal.ts'

// A run that is at work, stopped, and goes on: its feed is forked while it goes, and documents are taken down before and between steps.
const small = { slotBytes: 32 * 1024, shardSlotsMax: 1 }
const corpus = await writeCorpus({ seed: 31, files: 3, documentsPerFile: 60 })
const pipeline = await writePipeline(
  corpus.dir,
  glob => `h.pipeline('test').from(h.jsonl(${glob})).annotate(h.normalize(), h.signature())
    .decide(h.exactDuplicates(), h.nearDuplicates()).tokenize('gpt2').feed({ length: 64, batch: 4, blockSlotsMax: 1 })`,
)
const runs = makeFolder('taken-live')
const feed = join(runs, 'test', 'feed')
const args = ['run', pipeline, '--dir', runs, '--workers', '1', '--json']
const fork = ['fork', '--dir', runs, '--at', '1', '--skip', '1-2', '--json']

test('a run that goes on masks what was taken down between, and its fork is planned on', async () => {
  const names = join(runs, 'names.txt')
  const ids = Array.from({ length: 180 }, (_, i) => `${Math.floor(i / 60)}-${i % 60}`)
  await writeFile(names, ids.join('\n'))
  const takeDown = ['take-down', '--dir', runs, '--ids', names, '--json']
  let early: Awaited<ReturnType<typeof runMain>>[] = []
  const stopped = await runHeadrace(
    [...args, '--follow'],
    async child => {
      while (((await readHead(feed).catch(() => null))?.steps ?? 0) < 4) await sleep(20)
      early = [await runMain(takeDown), await runMain(fork)]
      child.kill('SIGTERM')
    },
    small,
  )
  assert.equal(stopped.status, 130, stopped.err)
  assert.deepEqual(
    early.map(({ status }) => status),
    [73, 0],
    early.map(({ err }) => err).join('\n'),
  )
  assert.equal(JSON.parse(early[1].out).ended, false)
  const { steps: from } = (await readHead(feed))!
  const taken = await runMain(takeDown)
  assert.equal(taken.status, 0, taken.err)
  assert.equal(parseLines(taken.out).at(-1)!.step, from)
  // Copies of the same texts under other files' names give nothing new but copies.
  copyFileSync(join(corpus.dir, 'part-0.jsonl'), join(corpus.dir, 'part-9.jsonl'))
  for (let i = 0; i < 40; i++) await writeFile(join(corpus.dir, `more-${i}.jsonl`), moreOf(i))
  const ended = await runHeadrace(args, undefined, small)
  assert.equal(ended.status, 0, ended.err)
  const listed = new Set(parseLines(taken.out).map(({ id }) => id))
  let [masked, seen] = [0, 0]
  for await (const { step, documents, cuSeqlens, targets } of readFeed(feed))
    for (const [i, id] of documents.entries()) {
      const part = targets.subarray(cuSeqlens[i], cuSeqlens[i + 1])
      const isSilent = part.length > 1 && part.every(target => target === -100)
      if (id !== '' && part.length > 1) assert.equal(isSilent, listed.has(id) && step >= from, `${id}, step ${step}`)
      masked += Number(isSilent && id !== '')
      seen += Number(!isSilent && listed.has(id))
    }
  const { steps } = (await readHead(feed))!
  assert.ok(steps > from)
  const forked = JSON.parse((await runMain(fork)).out)
  assert.deepEqual([forked.new, forked.ended, forked.steps], [false, true, steps - 2])
  assert.equal((await runMain(['verify', '--dir', runs])).status, 0)
  assert.ok(masked > 0 && seen > 0, `${masked} pieces masked, ${seen} before`)
})

function moreOf(file: number): string {
  const text = (i: number) => Array.from({ length: 120 }, (_, w) => `word${(w * (i + 3)) % 97} of ${file}`).join(' ')
  return Array.from({ length: 10 }, (_, i) => `${JSON.stringify({ id: `m${file}-${i}`, text: text(i) })}\n`).join('')
}
