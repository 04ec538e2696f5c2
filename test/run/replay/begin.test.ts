import assert from 'node:assert/strict'
import { cp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { before, test } from 'node:test'
import * as h from '../../../src/index.ts'
import { type Plan, planPipeline } from '../../../src/pipeline/plan.ts'
import { bindingOf } from '../../../src/record/binding.ts'
import { findReferrers } from '../../../src/record/referrers.ts'
import { readRunFile } from '../../../src/record/run-file.ts'
import { RunReader } from '../../../src/record/run-reader.ts'
import { writeTrimmed } from '../../../src/record/trimmed.ts'
import type { RunEvent } from '../../../src/run/events.ts'
import type { ReplayOptions } from '../../../src/run/options.ts'
import { setLimits } from '../../simulate/small-limits.ts'
import { makeFolder } from '../../temporary.ts'
import { hashOutput, writeCorpus } from '../fixture.ts'
import { runWhole } from './whole-run.ts'

// What of a run can be replayed, and what is refused before any work.
setLimits({ slotBytes: 8 * 1024 })
let corpus: string
let base: string
before(async () => {
  corpus = (await writeCorpus({ seed: 8, files: 2, documentsPerFile: 8 })).dir
  base = join(makeFolder('base'), 'run')
  await runWhole(base, planOf())
})

/** An annotator that may answer otherwise each time. */
const judge = (version = 1): h.Annotator => ({
  name: 'judge',
  version,
  exact: false,
  options: {},
  reads: ['text'],
  writes: [{ name: 'text', kind: 'utf8' }],
  resources: [],
  rules: [],
  annotate: batch => ({ text: batch.columns.text }),
})

function planOf({
  annotate = [h.normalize()] as Parameters<ReturnType<typeof h.pipeline>['annotate']>,
  domain = 'domain',
} = {}): Plan {
  return planPipeline(
    h
      .pipeline('test')
      .from(h.jsonl(join(corpus, '*.jsonl'), { domain }))
      .annotate(...annotate),
  )
}

const edit = async (dir: string, change: (run: Record<string, unknown>) => object) => {
  const file = join(dir, 'run.json')
  const run = JSON.parse(await readFile(file, 'utf8'))
  await writeFile(file, JSON.stringify({ ...run, ...change(run) }))
}
const copyOf = async (dir: string) => {
  const copy = join(makeFolder('copy'), 'run')
  await cp(dir, copy, { recursive: true })
  return copy
}
const replay = async (options: Partial<ReplayOptions> = {}, plan = planOf()) => {
  const dir = join(makeFolder('replay'), 'run')
  await runWhole(dir, plan, { replay: { of: base, ...options } })
  return dir
}
const slotsOf = async (dir: string) => (await readRunFile(dir))!.replays!.to

const refused: readonly [what: string, code: string, message: RegExp, attempt: () => Promise<unknown>][] = [
  ['no run', 'not-found', /there is no run/, () => replay({ of: join(corpus, 'none') })],
  [
    'slots that are not decided',
    'bad-option',
    /--to-slot is 9999, and the run in .* has decided the slots before \d+/,
    () => replay({ to: 9999 }),
  ],
  ['no slot', 'bad-option', /there is no slot to replay from 2 to 2/, () => replay({ from: 2, to: 2 })],
  [
    'trimmed slots',
    'trimmed',
    /slots before 2 of the run in .* were trimmed: begin with --from-slot 2/,
    async () => {
      const of = await copyOf(base)
      await writeTrimmed(of, bindingOf((await readRunFile(of))!), 2, () => {})
      await replay({ of, from: 1 })
    },
  ],
  [
    'a run without an id',
    'bad-option',
    /begun by an older version, which gave it no id/,
    async () => {
      const of = await copyOf(base)
      await edit(of, () => ({ id: undefined }))
      await replay({ of })
    },
  ],
  [
    'slots of another size',
    'bad-option',
    /has slots of 77 bytes, and this version cuts 8192/,
    async () => {
      const of = await copyOf(base)
      await edit(of, () => ({ slotBytes: 77 }))
      await replay({ of })
    },
  ],
  [
    'a run that is no replay',
    'bad-option',
    /is no replay: name another with --run/,
    async () => runWhole(await copyOf(base), planOf(), { replay: { of: base } }),
  ],
  [
    'another run than the one it was begun with',
    'bad-option',
    /was begun as of .*: name another with --run/,
    async () => runWhole(await replay(), planOf(), { replay: { of: await copyOf(base) } }),
  ],
  [
    'other slots than it was begun with',
    'bad-option',
    /was begun as from slot 0 on, up to slot \d+/,
    async () => runWhole(await replay(), planOf(), { replay: { of: base, from: 1, to: 2 } }),
  ],
  [
    "'run' on a replay",
    'bad-option',
    /is a replay: go on with it by 'headrace replay'/,
    async () => runWhole(await replay(), planOf()),
  ],
  [
    'a run that was moved away',
    'not-found',
    /refers to the rows of .*, and there is no run: bring it back/,
    async () => {
      const of = await copyOf(base)
      const dir = await replay({ of })
      await rename(of, `${of}-moved`)
      await runWhole(dir, planOf(), { replay: { of } })
    },
  ],
  [
    'input that changed, where records are needed',
    'source-changed',
    /part-0.jsonl changed since/,
    async () => {
      const file = join(corpus, 'part-0.jsonl')
      const text = await readFile(file, 'utf8')
      await writeFile(file, text.replace('the', 'tha'))
      try {
        await replay({}, planOf({ annotate: [h.c4(), h.normalize()] }))
      } finally {
        await writeFile(file, text)
      }
    },
  ],
  [
    'input that is gone, where records are needed',
    'source-changed',
    /part-1.jsonl, of 2 that this run has met, can't be found/,
    async () => {
      const file = join(corpus, 'part-1.jsonl')
      await rename(file, `${file}.away`)
      try {
        await replay({}, planOf({ annotate: [h.c4(), h.normalize()] }))
      } finally {
        await rename(`${file}.away`, file)
      }
    },
  ],
]
for (const [what, code, message, attempt] of refused)
  test(`${what}: refused`, async () => {
    await assert.rejects(attempt(), error => {
      assert.match((error as Error).message, message)
      return (error as { code?: string }).code === code
    })
  })

test('input that is gone is not needed where what is stored suffices', async () => {
  const full = await replay()
  const away = `${corpus}-away`
  await rename(corpus, away)
  try {
    const dir = await replay({}, planOf({ annotate: [h.normalize(), h.gopherQuality()] }))
    assert.equal(await slotsOf(dir), await slotsOf(full))
  } finally {
    await rename(away, corpus)
  }
})

test('a run that has not ended is replayed up to what is decided, and that is told', async () => {
  const of = join(makeFolder('stopped'), 'run')
  const notes: string[] = []
  const note = (text: string) => notes.push(text)
  const drained = (last: number) => {
    const stop = new AbortController()
    return {
      drain: stop.signal,
      watch: (event: RunEvent) => event.kind === 'loaded' && event.slot === last && stop.abort(),
    }
  }
  await runWhole(of, planOf(), { drain: AbortSignal.abort() })
  await assert.rejects(replay({ of, note }), /there is no slot to replay from 0 to 0/)
  await runWhole(of, planOf(), drained(1))
  const [part, all] = await Promise.all([replay({ of, note }).then(slotsOf), replay().then(slotsOf)])
  assert.ok(part > 0 && part < all, `${part} of ${all}`)
  assert.match(notes.at(-1)!, /has not ended: its slots before \d+ are replayed/)
})

test('why the source is read again is told, also where nothing holds', async () => {
  const notes: string[] = []
  const note = (text: string) => notes.push(text)
  await replay({ note })
  assert.deepEqual(notes, [])
  await replay({ note }, planOf({ annotate: [h.c4(), h.normalize()] }))
  await replay({ note }, planOf({ domain: 'id' }))
  assert.match(
    notes[0],
    /^records are read from the source again: text as it came in is not stored, and c4, normalize needs? it$/,
  )
  assert.match(
    notes[1],
    /^no measurement holds for this pipeline, and all are read from the source again: the source makes documents/,
  )
})

test('what an inexact annotator has answered is read back, and never asked again unasked', async () => {
  const of = join(makeFolder('judged'), 'run')
  await runWhole(of, planOf({ annotate: [judge(), h.normalize(), h.maskPii()] }))
  const changed = () => planOf({ annotate: [judge(), h.normalize(), h.maskPii({ emails: false })] })
  await assert.rejects(replay({ of }, changed()), /'judge' may answer otherwise each time, .* add --recompute judge/)
  await replay({ of, recompute: ['judge'] }, changed())
  await replay({ of }, planOf({ annotate: [judge(), h.normalize(), h.maskPii(), h.density()] }))
  await replay({ of }, planOf({ annotate: [judge(2), h.normalize(), h.maskPii()] }))
})

test('what was made of an answer that is asked for again is made again: columns behind it, and tokens', async () => {
  const answer = (end: string): h.Annotator => ({
    ...judge(),
    annotate: ({ columns, rows }) => {
      const text = h.utf8({ rows, columns }, 'text')
      return { text: h.utf8From(Array.from({ length: rows }, (_, row) => `${h.stringAt(text, row)} ${end}`)) }
    },
  })
  const judged = (end: string, emails: boolean) => {
    const { source } = planOf()
    const annotate = [answer(end), h.gopherQuality(), h.maskPii({ emails })] as const
    return planPipeline(
      h
        .pipeline('test')
        .from(source)
        .annotate(...annotate)
        .decide(h.rules({ gopherWords: { below: 5 } }))
        .tokenize('gpt2')
        .feed({ length: 64, batch: 2 }),
    )
  }
  const [of, full] = ['judged', 'full'].map(name => join(makeFolder(name), 'run'))
  await runWhole(of, judged('alpha', true))
  await runWhole(full, judged('beta beta', false))
  const replayed = await replay({ of, recompute: ['judge'] }, judged('beta beta', false))
  const wordsOf = async (dir: string) => {
    await using run = await RunReader.open(dir)
    const slots = await Array.fromAsync(run.slots())
    return slots.map(({ scored }) => [...h.numbers(scored, 'gopherWords')])
  }
  assert.notDeepEqual(await wordsOf(full), await wordsOf(of))
  assert.deepEqual(await wordsOf(replayed), await wordsOf(full))
  assert.deepEqual(await hashOutput(replayed), await hashOutput(full))
})

test('a run knows who refers to it, until that is removed', async () => {
  const of = join(makeFolder('referred'), 'run')
  await runWhole(of, planOf())
  const id = (await readRunFile(of))!.id
  const [one, other, copy] = await Promise.all([replay({ of }), replay({ of }), replay({ of, isCopy: true })])
  assert.deepEqual(await findReferrers(of, id), [one, other].sort())
  await rm(one, { recursive: true })
  assert.deepEqual(await findReferrers(of, id), [other])
  assert.deepEqual(await hashOutput(copy).catch(() => null), null, 'there are no shards without a tokenizer')
})
