import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { makeFolder } from '../temporary.ts'

// npm run bench -- fineweb-datatrove CORPUS_DIR PYTHON [MEGABYTES]
// pipelines/fineweb.ts without its duplicates (datatrove has them as another run) beside datatrove's own parts in the same order, one
// worker each, one after the other, twice, on the same English documents (default 20 MB of text). PYTHON has what fineweb-datatrove.py needs.
const [corpus, python, megabytes = '20'] = process.argv.slice(2)
if (!corpus || !python) {
  console.log('usage: npm run bench -- fineweb-datatrove CORPUS_DIR PYTHON [MEGABYTES]')
  process.exit(64)
}
const root = join(import.meta.dirname, '..', '..')
const dir = makeFolder('datatrove')
const input = join(dir, 'english.jsonl')
writeFileSync(input, cutEnglish(Number(megabytes) * 1e6))
const pipeline = join(dir, 'fineweb.ts')
const source = readFileSync(join(root, 'pipelines/fineweb.ts'), 'utf8')
writeFileSync(pipeline, source.replace('signature(), maskPii()', '').replace('exactDuplicates(), nearDuplicates()', ''))

const require = createRequire(import.meta.url)
const packageFile = (name: string, path: string) => join(dirname(require.resolve(`${name}/package.json`)), path)
const model = packageFile('fasttext.wasm.js', 'dist/models/language-identification/assets/lid.176.ftz')
const ranks = packageFile('gpt-tokenizer', 'data/r50k_base.tiktoken')

interface Figures {
  readonly textBytes: number
  readonly kept: number
  readonly tokens: number
  readonly seconds: number
  readonly cpuSeconds: number
}

/** Real documents that the corpus says are English, spread evenly. */
function cutEnglish(bytesWanted: number): string {
  const lines = readdirSync(corpus)
    .filter(name => /^corpus-.*\.jsonl$/.test(name))
    .sort()
    .flatMap(name =>
      readFileSync(join(corpus, name), 'utf8')
        .trim()
        .split('\n')
        .filter(line => line.includes('"lang_expected":"en"')),
    )
  const total = lines.reduce((sum, line) => sum + line.length, 0)
  const step = Math.max(1, Math.floor(total / bytesWanted))
  return `${lines.filter((_, i) => i % step === 0).join('\n')}\n`
}

function run(command: string, args: string[]): Figures {
  const { stdout, stderr, status } = spawnSync(command, args, { encoding: 'utf8', maxBuffer: 1e9 })
  if (status !== 0) throw new Error(`${command} ended with ${status}: ${stderr}`)
  return JSON.parse(stdout.trim().split('\n').at(-1)!)
}

const show = (who: string, { textBytes, kept, tokens, seconds, cpuSeconds }: Figures) =>
  console.log(
    `${who.padEnd(10)} ${(textBytes / 1e6).toFixed(1)} MB  ${(textBytes / 1e6 / cpuSeconds).toFixed(3)} MB/s a CPU second  ${(textBytes / 1e6 / seconds).toFixed(3)} MB/s  kept ${kept}, ${tokens} tokens`,
  )

for (let round = 0; round < 2; round++) {
  const theirs = run(python, [join(import.meta.dirname, 'fineweb-datatrove.py'), input, model, ranks])
  show('datatrove', theirs)
  const ours = run(process.execPath, [
    join(root, 'bin/headrace.js'),
    'run',
    pipeline,
    '--input',
    input,
    '--dir',
    join(dir, String(round)),
    '--workers',
    '1',
    '--json',
  ])
  show('headrace', { ...ours, textBytes: theirs.textBytes })
  console.log(
    `headrace is ${(theirs.cpuSeconds / ours.cpuSeconds).toFixed(1)} times as fast by CPU time, ${(theirs.seconds / ours.seconds).toFixed(1)} times by the clock`,
  )
}
