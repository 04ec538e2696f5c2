import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ScreenLine } from '../../src/cli/command.ts'
import { guardTerminal } from '../../src/cli/guard-terminal.ts'
import { describeFrame } from '../../src/cli/top-frame.ts'
import { displayWidth, printable } from '../../src/cli/wrap.ts'
import { paceOf } from '../../src/watch/pace.ts'
import type { RunLook } from '../../src/watch/run-look.ts'
import { randomFrom } from '../random.ts'
import { hold, makeLook } from '../watch/looks.ts'

const frame = (looks: readonly RunLook[], columns = 80, rows: number | null = null, dir: string | null = '/runs/a') =>
  describeFrame(paceOf(looks), dir, { columns, rows })
const texts = (lines: readonly ScreenLine[]) => lines.map(({ text }) => text)

const before = makeLook({
  stages: [
    { stage: 'annotate', slot: 1066, lag: 0 },
    { stage: 'decide', slot: 1063, lag: 3 },
    { stage: 'shard', slot: 1061, lag: 2 },
  ],
  readBytes: 0,
  documents: 200_000,
  kept: 140_000,
  dropped: { 'near-duplicate': 20_000, 'too-few-alphabetic-words': 0 },
  byDomain: { 'en-webpages': { documents: 50_000, kept: 26_000 }, 'zh-books': { documents: 150_000, kept: 114_000 } },
  cpuSeconds: 100,
})
const now = makeLook({
  at: 60_000,
  seconds: 252,
  stages: [
    { stage: 'annotate', slot: 1204, lag: 0 },
    { stage: 'decide', slot: 1201, lag: 3 },
    { stage: 'shard', slot: 1199, lag: 2 },
  ],
  readBytes: 1.104e9,
  inputBytes: 2.208e9,
  documents: 212_904,
  kept: 151_588,
  dead: 12,
  dropped: { 'near-duplicate': 21_000, 'too-few-alphabetic-words': 1500 },
  byDomain: { 'en-webpages': { documents: 60_000, kept: 29_800 }, 'zh-books': { documents: 152_904, kept: 116_600 } },
  tokens: 64_200_000,
  steps: 812,
  slowest: { trainer: 'big', consumed: 790, behind: 21, trainers: 2 },
  bytes: { log: 1e9, shards: 3e8, feed: 5e7, state: 1e7, rest: 17 },
  freeBytes: 1.2e11,
  memoryBytes: 5.12e8,
  cpuSeconds: 214,
})
const rested = { ...now, stages: now.stages.map(one => ({ ...one, lag: null })), inputBytes: null, cpuSeconds: null }

const frames: [what: string, looks: RunLook[], lines: string[]][] = [
  [
    'a run at work, seen from its server too',
    [before, now],
    [
      'quickstart  running 4:12  18.4 MB/s  212,904 documents  71.2% kept  lag 3 slots',
      '1.1 GB read of 2.2 GB  50%  1:00 left  12 dead',
      '64.2M tokens sealed  812 steps  slowest trainer big at step 790, 21 behind',
      'disk 1.4 GB  120.0 GB free  memory 512.0 MB  CPU 190%',
      '',
      'stage      slot  slots/s  MB/s  lag',
      'annotate  1,204      2.3  18.4    0',
      'decide    1,201      2.3     -    3',
      'shard     1,199      2.3     -    2',
      '',
      'domain        kept  last 60 s    reasons rising',
      'zh-books     76.3%   █  89.5%    too-few-alphabetic-words  +10.9',
      'en-webpages  49.7%   ▄  38.0%    dead                       +0.1',
    ],
  ],
  [
    'one look',
    [{ ...now, state: 'running', byDomain: {}, dropped: {}, bytes: null, freeBytes: null, memoryBytes: null }],
    [
      'quickstart  running 4:12  212,904 documents  71.2% kept  lag 3 slots',
      '1.1 GB read of 2.2 GB  50%  12 dead',
      '64.2M tokens sealed  812 steps  slowest trainer big at step 790, 21 behind',
      'rates need two looks',
      '',
      'stage      slot  lag',
      'annotate  1,204    0',
      'decide    1,201    3',
      'shard     1,199    2',
    ],
  ],
  [
    'a run that has ended',
    [{ ...rested, state: 'ended', seconds: null, slowest: null }],
    [
      'quickstart  ended  212,904 documents  71.2% kept',
      '1.1 GB read  12 dead',
      '64.2M tokens sealed  812 steps',
      'disk 1.4 GB  120.0 GB free  memory 512.0 MB',
      '',
      'stage      slot',
      'annotate  1,204',
      'decide    1,201',
      'shard     1,199',
      '',
      'domain        kept    reasons',
      'zh-books     76.3%    near-duplicate            9.9%',
      'en-webpages  49.7%    too-few-alphabetic-words  0.7%',
    ],
  ],
  [
    'a run that was killed',
    [makeLook({ state: 'stopped', documents: 0, first: 1200 })],
    [
      'quickstart  stopped  0 documents',
      'no process has it, and it has not ended: the same run command goes on',
      'slots before 1,200 were trimmed',
    ],
  ],
  [
    'a held run',
    [makeLook({ state: 'held', hold })],
    [
      'quickstart  held',
      'held by a guard rail at slot 71',
      "domain 'web': 812 of 1,000 rows removed (81.2%) in slots 64 to 71, above 50.0%",
      'headrace release --dir /runs --run a --who NAME --why TEXT lets it pass, then',
      'the same run command goes on',
    ],
  ],
  [
    'a server that is gone',
    [makeLook({ state: 'gone', why: 'http://h/metrics does not answer (ECONNREFUSED)', documents: 5, kept: 5 })],
    ['quickstart  gone  5 documents  100.0% kept', 'http://h/metrics does not answer (ECONNREFUSED)'],
  ],
  [
    'a spread run that nobody names',
    [makeLook({ state: 'quiet' })],
    [
      'quickstart  quiet',
      'a spread run, which no lock names: it has committed nothing between these looks,',
      'and may wait',
    ],
  ],
]
for (const [what, looks, lines] of frames)
  test(`a frame of ${what}`, () => {
    assert.deepEqual(texts(frame(looks)), lines)
  })

// What steers a terminal, is wide, has no width, or is long.
const hostile = [
  '\u001b[2J\u001b]0;x\u0007',
  'a\nb\r',
  '\u202egnp',
  '水'.repeat(90),
  'e\u0301'.repeat(300),
  '__proto__',
  '',
  'x'.repeat(500),
]

function hostileLooks(random: () => number, domains: number): RunLook[] {
  const name = (i: number) => hostile[i] ?? `${hostile[Math.floor(random() * hostile.length)].slice(0, 30)} ${i}`
  const count = () => Math.floor(random() * 1e12)
  return [0, 1].map(i => {
    const byDomain: NonNullable<RunLook['byDomain']> = Object.create(null)
    const dropped: Record<string, number> = Object.create(null)
    for (let k = 0; k < domains; k++) byDomain[name(k)] = { documents: i * count() + 5, kept: i * 5 }
    for (let k = 0; k < 300; k++) dropped[name(k)] = i * count()
    return {
      ...now,
      at: 60_000 * i,
      run: hostile[Math.floor(random() * hostile.length)],
      why: hostile.join(' '),
      documents: i * 1e14,
      byDomain,
      dropped,
      hold: { ...hold, trips: hostile.map(group => ({ ...hold.trips[0], group })) },
      slowest: { trainer: hostile[1], consumed: count(), behind: count(), trainers: 4 },
      stages: now.stages.map(one => ({ ...one, slot: i * count(), lag: count() })),
    }
  })
}

test('whatever a run and its domains are called, frames fit every terminal, and what is left out is counted', () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  const random = randomFrom(seed)
  for (const domains of [0, 9, 4096]) {
    const looks = hostileLooks(random, domains)
    for (const columns of [1, 12, 40, 60, 80, 200]) {
      const whole = frame(looks, columns, 10_000, hostile[0])
      for (const rows of [1, 2, 5, 11, 24, 60, 300, null]) {
        // A pipe has 40 columns at least.
        if (rows === null && columns < 40) continue
        const where = `seed ${seed}: ${domains} domains on ${columns} x ${rows}`
        const lines = texts(frame(looks, columns, rows, hostile[0]))
        assert.ok(lines.length <= (rows ?? 80), `${where}: ${lines.length} lines`)
        for (const line of lines) {
          assert.ok(displayWidth(line) <= columns, `${where}: ${JSON.stringify(line)}`)
          assert.equal(printable(line.replaceAll('\n', '\r')), line, where)
        }
        const isCounted = lines.some(line => /and [\d,]+ more (lines?|domains?|reasons?)/.test(line))
        if (columns >= 60 && rows !== 1) assert.equal(isCounted, lines.length < whole.length, where)
      }
    }
    const shown = texts(frame(looks, 80, 60)).join('\n')
    if (domains === 4096) assert.match(shown, /^and 4,0\d\d more domains/m)
  }
})

test('a screen is drawn over itself, clears what is left, and nothing in it steers the terminal', () => {
  const written: string[] = []
  const { out } = guardTerminal({ out: { write: text => written.push(text) }, err: { write: () => {} } })
  const lines: ScreenLine[] = [{ text: 'a', tone: 'strong' }, { text: 'b\u001b[2J\nc' }]
  out.screen?.({ kind: 'take' })
  out.screen?.({ kind: 'draw', lines, isColoured: true })
  out.screen?.({ kind: 'draw', lines, isColoured: false })
  out.screen?.({ kind: 'give-back' })
  const end = '\r\nb\\u001b[2J c\u001b[K\u001b[J'
  assert.deepEqual(written, [
    '\u001b[?1049h\u001b[?25l',
    `\u001b[H\u001b[1ma\u001b[0m\u001b[K${end}`,
    `\u001b[Ha\u001b[K${end}`,
    '\u001b[?25h\u001b[?1049l',
  ])
})
