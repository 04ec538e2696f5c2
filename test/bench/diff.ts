import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from '../temporary.ts'

// npm run bench -- diff CORPUS_DIR [FILES]
// npm run bench -- diff RUN_A RUN_B
// headrace diff of two runs, from the start of the process to its end, five times. Of a corpus (corpus-*.jsonl, so many FILES of it) it first
// makes the runs: pipelines/fineweb.ts, and the same with two thresholds loosened.
const [given, other] = process.argv.slice(2)
if (!given) {
  console.log('usage: npm run bench -- diff CORPUS_DIR [FILES], or diff RUN_A RUN_B')
  process.exit(64)
}
const root = join(import.meta.dirname, '..', '..')
const bin = join(root, 'bin/headrace.js')

const loosened = [
  ['gopherQuality()', 'gopherQuality({ alphaWordsMin: 0.7 })'],
  ['finewebQuality()', 'finewebQuality({ linePunctuationMin: 0.08 })'],
] as const

function makeRuns(corpus: string, filesMax: number): string[] {
  const dir = makeFolder('bench-diff')
  const files = readdirSync(corpus)
    .filter(name => /^corpus-.*\.jsonl$/.test(name))
    .sort()
    .slice(0, filesMax)
  const recipe = readFileSync(join(root, 'pipelines/fineweb.ts'), 'utf8')
  const variant = loosened.reduce((text, [plain, loose]) => text.replace(plain, loose), recipe)
  return Object.entries({ strict: recipe, loose: variant }).map(([name, text]) => {
    const path = join(dir, `${name}.ts`)
    writeFileSync(path, text)
    const input = files.flatMap(file => ['--input', join(corpus, file)])
    const { status } = spawnSync(process.execPath, [bin, 'run', path, ...input, '--dir', dir, '--run', name], {
      stdio: 'inherit',
    })
    if (status !== 0) process.exit(1)
    return join(dir, name)
  })
}

const isRun = (dir: string | undefined) => dir !== undefined && existsSync(join(dir, 'run.json'))
const runs = isRun(given) && isRun(other) ? [given, other] : makeRuns(given, Number(other ?? Number.POSITIVE_INFINITY))
for (let i = 0; i < 5; i++) {
  const started = performance.now()
  const { stdout, stderr, status } = spawnSync(process.execPath, [bin, 'diff', ...runs, '--json'], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  const seconds = (performance.now() - started) / 1000
  if (status !== 0 && status !== 1) throw new Error(stderr)
  const { a, kinds } = JSON.parse(stdout)
  const differing = Object.entries<{ documents: number }>(kinds).map(([kind, { documents }]) => `${documents} ${kind}`)
  console.log(`${a.documents} documents in ${seconds.toFixed(2)} s (${differing.join(', ')})`)
}
