import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from '../temporary.ts'

// npm run bench -- replay CORPUS_DIR [gated]
// CPU seconds of a run of pipelines/fineweb.ts over CORPUS_DIR's corpus-*.jsonl, and of replays of it in which one thing is another: nothing,
// a threshold, an annotator that cuts words, one that reads lines, one before the texts are edited and the same one behind that. Without
// its gates, so that each document is measured with each annotator; `gated` leaves them in.
const [corpus, gated] = process.argv.slice(2)
if (!corpus) {
  console.log('usage: npm run bench -- replay CORPUS_DIR [gated]')
  process.exit(64)
}
const root = join(import.meta.dirname, '..', '..')
const dir = makeFolder('bench')
const recipe = makeRecipe(readFileSync(join(root, 'pipelines/fineweb.ts'), 'utf8'))

const length = `import { count, simpleFilter } from 'headrace'
const textLength = simpleFilter('text-length', { textUnits: count('UTF-16 units') }, ({ length }) => ({ textUnits: length }))
`
const changes: Readonly<Record<string, readonly [from: string, to: string]>> = {
  nothing: ['', ''],
  'a threshold': ['gopherQuality()', 'gopherQuality({ alphaWordsMin: 0.7 })'],
  'gopherQuality, another stop word': [
    'gopherQuality()',
    "gopherQuality({ stopWords: ['the', 'be', 'to', 'of', 'from'] })",
  ],
  'finewebQuality, other short lines': ['finewebQuality()', 'finewebQuality({ shortLineCharacters: 25 })'],
  'one more, before texts are masked': ['signature()', 'textLength(), signature()'],
  'one more, at the end': ['maskPii())', 'maskPii(), textLength())'],
}

function makeRecipe(text: string): string {
  if (gated === 'gated') return text
  const english = "{ language: { oneOf: ['en'], reason: 'language-not-english' } }"
  return text
    .replace(/^ +gate\(\),\n/gm, '')
    .replace(`language(), gate(${english})`, 'language()')
    .replace('rules()', `rules(${english})`)
}

function pipelineOf(name: string, [from, to]: readonly [string, string]): string {
  const path = join(dir, `${name}.ts`)
  if (!recipe.includes(from)) throw new Error(`pipelines/fineweb.ts has no '${from}' any more`)
  writeFileSync(path, length + recipe.replace(from, () => to))
  return path
}

/** CPU seconds of a command, its threads among them. */
function measure(...args: string[]): number {
  const told = join(dir, 'cpu')
  const tell = `import { writeFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
if (isMainThread) process.on('exit', () => writeFileSync(${JSON.stringify(told)}, JSON.stringify(process.cpuUsage())))`
  const command = ['--import', `data:text/javascript,${encodeURIComponent(tell)}`, join(root, 'bin/headrace.js')]
  const { status, stderr } = spawnSync(process.execPath, [...command, ...args, '--dir', dir], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`headrace ${args.join(' ')}: ${stderr}`)
  const { user, system } = JSON.parse(readFileSync(told, 'utf8'))
  return (user + system) / 1e6
}

const whole = measure('run', pipelineOf('whole', ['', '']), '--input', join(corpus, 'corpus-*.jsonl'), '--run', 'whole')
console.log(`CPU seconds of a run: ${whole.toFixed(1)}; of replays, and how many times fewer`)
for (const [i, [what, change]] of Object.entries(changes).entries()) {
  const seconds = measure('replay', 'whole', pipelineOf(`change-${i}`, change), '--run', `change-${i}`)
  console.log(`${what.padEnd(36)} ${seconds.toFixed(1).padStart(6)} ${(whole / seconds).toFixed(1).padStart(5)}`)
}
