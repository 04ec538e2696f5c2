import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { before, type TestContext } from 'node:test'
import { broker, newRun, testOnBroker } from '../../log/kafka/broker.ts'
import { makeFolder } from '../../temporary.ts'
import { type Corpus, hashOutput, runHeadrace, writeCorpus, writePipeline } from '../fixture.ts'
import { Member } from './member.ts'

// Replays that several real processes share on a real broker: the bytes of a run of one process, whatever befalls them.
let corpus: Corpus
let bases: Readonly<Record<string, string>>
const partitions = 4
const log = `kafka://${broker}`

/** An annotator that takes its time where it is asked, so that there is a replay to disturb. */
const slow = (version: number) =>
  `{ name: 'slow', version: ${version}, exact: true, options: {}, reads: [], writes: [{ name: 'slow', kind: 'f64' }], rules: [], resources: [],
    annotate: ({ rows }) => new Promise(resolve => setTimeout(() => resolve({ slow: { kind: 'f64', values: new Float64Array(rows) } }), 100)) }`

interface Parts {
  readonly edit?: string
  readonly version?: number
  readonly rules?: string
  readonly quality?: string
  readonly added?: string
  readonly feed?: string
  readonly similarity?: number
  readonly tokenizer?: string
}
const bodyOf =
  ({
    edit = '',
    version = 1,
    rules = '',
    similarity = 0.8,
    tokenizer = 'gpt2',
    quality = '',
    added = '',
    feed = '',
  }: Parts) =>
  (glob: string) =>
    `h.pipeline('test')
  .from(h.jsonl(${glob}))
  .annotate(${edit}h.normalize(), h.gopherQuality(${quality}), ${added}h.signature(), ${slow(version)})
  .decide(h.rules(${rules}), h.exactDuplicates(), h.nearDuplicates({ similarity: ${similarity} }))
  .tokenize('${tokenizer}')
  .feed({ length: 256, batch: 4${feed} })`

const kinds: Readonly<Record<string, Parts>> = {
  'a threshold': { rules: '{ gopherWords: { below: 400 } }' },
  'an annotator': { version: 2 },
  'a text edit first in line': { edit: 'h.c4({ citations: false }), ' },
  'the tokenizer': { tokenizer: 'cl100k_base' },
  "a decider's similarity": { similarity: 0.5 },
  'a tighter threshold': { rules: '{ gopherMeanWordLength: { above: 4.7 } }' },
  'a rule added': { rules: "{ gopherWords: { above: 500, reason: 'far-too-long' } }" },
  'an option of an annotator': { quality: "{ stopWords: ['the', 'of'] }" },
  'an annotator added': { added: 'h.maskPii(), ' },
  'a gate added': { added: 'h.gate({ gopherWords: { below: 200 } }), ' },
  'the mixture': { feed: ", mixture: { d0: 3, d1: 1 }, dry: 'repeat'" },
}
const expected = new Map<string, { module: string; files: Record<string, string> }>()

async function finish(args: readonly string[]): Promise<void> {
  const { status, err } = await runHeadrace([...args, '--json'])
  assert.equal(status, 0, err)
}

async function writeModule(parts: Parts): Promise<string> {
  const file = join(makeFolder('pipeline'), 'pipeline.ts')
  await writeFile(file, await readFile(await writePipeline(corpus.dir, bodyOf(parts)), 'utf8'))
  return file
}

before(async () => {
  if (!broker) return
  corpus = await writeCorpus({ seed: 6, files: 16, documentsPerFile: 100 })
  const module = await writeModule({})
  const [folder, spread] = [makeFolder('base'), makeFolder('base')]
  const name = newRun()
  await finish(['run', module, '--dir', folder, '--run', 'base'])
  await finish(['run', module, '--dir', spread, '--run', name, '--log', log, '--spread', '--partitions', '2'])
  bases = { 'in its folder': join(folder, 'base'), spread: join(spread, name) }
  for (const [what, parts] of Object.entries(kinds)) {
    const [file, dir] = [await writeModule(parts), makeFolder('full')]
    await finish(['run', file, '--dir', dir, '--run', 'full'])
    expected.set(what, { module: file, files: await hashOutput(join(dir, 'full')) })
  }
})

/** A replay of a name of its own. Its processes end with the test. */
function begin(t: TestContext, of: string, module: string) {
  const dir = makeFolder('replay')
  const name = newRun()
  const shape = ['--run', name, '--log', log, '--spread', '--workers', '1']
  const start = (command: readonly string[], ...more: string[]) => {
    const place = more.includes('--dir') ? [] : ['--dir', dir]
    const member = new Member([...command, ...place, ...shape, ...more])
    t.after(() => member.signal('SIGKILL'))
    return member
  }
  const cut = ['--partitions', String(partitions)]
  return {
    dir: join(dir, name),
    replay: (...more: string[]) => start(['replay', of, module], ...cut, ...more),
    work: (...more: string[]) => start(['run', module], '--stages', 'annotate', ...more),
  }
}
type Begun = ReturnType<typeof begin>

async function check({ dir }: Begun, members: readonly Member[], what: string): Promise<void> {
  for (const { finished } of members) {
    const { status, err } = await finished
    assert.equal(status, 0, err)
  }
  assert.deepEqual(await hashOutput(dir), expected.get(what)!.files)
  await finish(['verify', '--dir', join(dir, '..'), '--run', basename(dir)])
}

for (const [i, what] of Object.keys(kinds).entries()) {
  const base = i % 2 === 0 ? 'spread' : 'in its folder'
  testOnBroker(`${what} changed, of a run ${base}, by two processes: the bytes of a run`, async t => {
    const begun = begin(t, bases[base], expected.get(what)!.module)
    await check(begun, [begun.replay(), begun.replay()], what)
  })
}

for (const [who, is] of [
  ['loads', 'load'],
  ['annotates', 'annotate'],
  ['decides', 'decide'],
] as const)
  testOnBroker(`whoever ${who} is killed in the middle: the other has its shares and goes on`, async t => {
    const begun = begin(t, bases.spread, expected.get('an annotator')!.module)
    const members = [begun.replay(), begun.replay()]
    const held = (member: Member) => member.see(({ event, stage }) => event === 'share-taken' && stage === is)
    const victim = await Promise.any(members.map(member => held(member).then(() => member)))
    await victim.see(({ event }) => event === 'stage-began' || event === 'share-taken')
    victim.signal('SIGKILL')
    assert.equal((await victim.finished).signal, 'SIGKILL')
    const others = members.filter(member => member !== victim)
    await check(begun, others, 'an annotator')
  })

testOnBroker('one is stopped, taken over, and wakes: it changes nothing', async t => {
  const begun = begin(t, bases['in its folder'], expected.get('an annotator')!.module)
  const [zombie, other] = [begun.replay(), begun.replay()]
  await Promise.all([zombie.holds(), other.holds()])
  zombie.signal('SIGSTOP')
  const mine = zombie.lines.filter(({ event }) => event === 'share-taken')
  const isMine = (event: string, stage?: string, partition?: number) =>
    event === 'share-taken' && mine.some(one => one.stage === stage && one.partition === partition)
  await other.see(({ event, stage, partition }) => isMine(event, stage, partition))
  zombie.signal('SIGCONT')
  await check(begun, [other, zombie], 'an annotator')
})

testOnBroker('workers that have the brokers alone measure it; all are killed, and others go on', async t => {
  const begun = begin(t, bases['in its folder'], expected.get('a text edit first in line')!.module)
  const nowhere = makeFolder('nowhere')
  const owner = () => begun.replay('--stages', 'load,decide,shard')
  const first = [owner(), begun.work('--dir', nowhere)]
  await first[1].holds()
  for (const member of first) member.signal('SIGKILL')
  await Promise.all(first.map(member => member.finished))
  await rm(join(begun.dir, 'state'), { recursive: true, force: true })
  await check(begun, [owner(), begun.work('--dir', nowhere)], 'a text edit first in line')
  assert.deepEqual(await hashOutput(nowhere).catch(() => ({})), {})
})

/** What does not fit, and how it is refused: before there is a folder or a topic. */
const refused: readonly [what: string, message: RegExp, more: readonly string[]][] = [
  ['slots that are not decided', /--to-slot is 9999, and the run in .* has decided/, ['--to-slot', '9999']],
  ['no stage of that name', /--stages has 'loud'/, ['--stages', 'loud']],
  ['no number of partitions', /--partitions is '0'/, ['--partitions', '0']],
]
for (const [what, message, more] of refused)
  testOnBroker(`${what}: refused`, async t => {
    const begun = begin(t, bases.spread, expected.get('an annotator')!.module)
    const { status, err } = await begun.replay(...more).finished
    assert.equal(status, 64)
    assert.match(err, message)
    await assert.rejects(readFile(join(begun.dir, 'run.json')), { code: 'ENOENT' })
  })

testOnBroker('gone on with as another replay, and as a run: refused', async t => {
  const { module } = expected.get('an annotator')!
  const begun = begin(t, bases.spread, module)
  await begun.replay().holds()
  const args = ['--dir', join(begun.dir, '..'), '--run', basename(begun.dir), '--json']
  for (const [message, command] of [
    [/was begun as of .*: name another with --run/, ['replay', bases['in its folder'], module]],
    [/is a replay: go on with it by 'headrace replay'/, ['run', module]],
  ] as const) {
    const { status, err } = await runHeadrace([...command, ...args])
    assert.deepEqual([status, message.test(err)], [64, true], err)
  }
})
