/**
 * What `headrace enrich rounds` finds from 50 pages of one manual of mathematics: `npm run bench -- enrich CORPUS_DIR [SEEDS] [ARGS...]`. The corpus is that
 * of `value`, without which junk is missing. The run stores what models may see, a rule drops its long half, and an oracle that knows which
 * packages are manuals of mathematics plays the person. Each round's models are measured on packages that are in no run, by the mean of ranks.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { main } from '../../src/cli/main.ts'
import { readSeed } from '../../src/text/likeness/seed-file.ts'
import { decodeModel } from '../../src/text/linear/model-file.ts'
import { RoundScorer } from '../../src/value/fit-round.ts'
import { averagePrecision, precisionAt, ranksOf } from '../../src/value/measures.ts'
import { makeFolder } from '../temporary.ts'
import { draw, readSamples, type Sample } from './parts/value-corpus.ts'

const [directory, seeds = '50', ...more] = process.argv.slice(2)
if (directory === undefined) throw new Error('usage: node test/bench/enrich.ts CORPUS_DIR [SEEDS] [ARGS...]')
const english = readSamples(directory).filter(({ source }) => !source.startsWith('zh-'))
const [seen, held] = [english.filter(({ isHeld }) => !isHeld), english.filter(({ isHeld }) => isHeld)]
const isMath = new Map(seen.map(({ id, source }) => [id, source === 'math']))
const pages = draw(
  seen.filter(({ source, group }) => source === 'math' && group === 'sagemath-doc'),
  Number(seeds),
)
const dir = makeFolder('bench-enrich')
write('seen', seen)
write('pages', pages)
write('background', draw(seen, 6000))
await makeRun()
console.log(
  `${seen.length} documents in the run, of mathematics ${seen.filter(({ source }) => source === 'math').length}; ${held.length} held out`,
)
const asked = [
  '--positive',
  at('pages.jsonl'),
  '--background',
  at('background.jsonl'),
  '--source',
  'package',
  '--out',
  at('math'),
]
for (let round = 1; ; round++) {
  const started = performance.now()
  const before = process.cpuUsage()
  const { status, out } = await headrace('enrich', 'rounds', 'seen', '--dir', at('runs'), ...asked, ...more)
  const { user, system } = process.cpuUsage(before)
  console.log(
    `${measureModels()}; ${((performance.now() - started) / 1000).toFixed(0)} s, ${((user + system) / 1e6).toFixed(0)} s of CPU time`,
  )
  if (status !== 4) {
    console.log(out)
    break
  }
  console.log(`round ${round}: of what is to be added ${answer(round)} are mathematics`)
}

function at(name: string): string {
  return join(dir, name)
}

function write(name: string, samples: readonly Sample[]): void {
  const line = ({ id, source, group, bytes }: Sample) =>
    JSON.stringify({ id, domain: source, package: group, text: Buffer.from(bytes).toString() })
  writeFileSync(at(`${name}.jsonl`), samples.map(sample => `${line(sample)}\n`).join(''))
}

async function headrace(...args: string[]) {
  let [out, err] = ['', '']
  const status = await main(args, { out: { write: text => (out += text) }, err: { write: text => (err += text) } })
  if (![0, 4].includes(status)) throw new Error(`headrace ${args.join(' ')}: ${err}`)
  return { status, out }
}

async function makeRun(): Promise<void> {
  mkdirSync(at('runs'))
  writeFileSync(
    at('seen.ts'),
    `import * as h from 'headrace'
export default h.pipeline('seen').from(h.jsonl(${JSON.stringify(at('seen.jsonl'))}, { domain: 'domain' })).annotate(h.gopherQuality()).decide(h.rules({ gopherWords: { above: 400 } }))\n`,
  )
  await headrace('run', at('seen.ts'), '--dir', at('runs'), '--run', 'seen')
}

/** Average precision on held-out packages of the models as they stand. */
function measureModels(): string {
  const seed = readSeed(readFileSync(at('math/math.seed.json'), 'utf8'), 'seed')
  const { model } = decodeModel(readFileSync(at('math/math.linear')), 'model')
  const scorer = new RoundScorer({ seed, learned: { head: model.heads[0], weights: model.weights } })
  const scored = held.map(({ bytes }) => (scorer.read(bytes) ? [scorer.seed, scorer.score] : [Number.NaN, Number.NaN]))
  const [ofSeed, ofClassifier] = [0, 1].map(i => ranksOf(scored.map(both => both[i])))
  const mean = ofSeed.map((rank, i) => rank + ofClassifier[i])
  const labels = held.map(({ source }) => source === 'math')
  const [both, one, other] = [mean, ofSeed, ofClassifier].map(scores => averagePrecision(scores, labels).toFixed(3))
  return `held out: AP ${both} (seed ${one}, classifier ${other}), P@500 ${precisionAt(500, mean, labels).toFixed(2)}`
}

/** Fills in a round's sample, and says how much of all that it has chosen is mathematics. */
function answer(round: number): string {
  const file = at(`math/sample-${round}.jsonl`)
  const lines = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
  const filled = lines.map(line => ({ ...line, label: isMath.get(line.id) ? 'yes' : 'no' }))
  writeFileSync(file, filled.map(line => `${JSON.stringify(line)}\n`).join(''))
  const { chosen } = JSON.parse(readFileSync(at(`math/round-${round}.json`), 'utf8'))
  const right = chosen.filter(({ id }: { id: string }) => isMath.get(id)).length
  return `${((100 * right) / chosen.length).toFixed(1)} % of ${chosen.length}`
}
