import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from '../temporary.ts'

// npm run bench -- what-if CORPUS_DIR [DIR]
// How long `headrace what-if` takes for a run of pipelines/fineweb.ts over CORPUS_DIR's corpus-*.jsonl: nothing changed, a threshold that
// is tighter, one that is looser, another similarity, and nine thresholds in one pass. The run is kept in DIR and used again, where DIR
// is given.
const [corpus, kept] = process.argv.slice(2)
if (!corpus) {
  console.log('usage: npm run bench -- what-if CORPUS_DIR [DIR]')
  process.exit(64)
}
const root = join(import.meta.dirname, '..', '..')
const dir = kept ?? makeFolder('bench')

function headrace(...args: string[]): { readonly out: string; readonly seconds: number } {
  const begun = performance.now()
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'bin/headrace.js'), ...args, '--dir', dir])
  if (status !== 0) throw new Error(`headrace ${args.join(' ')}: ${stderr}`)
  return { out: String(stdout), seconds: (performance.now() - begun) / 1000 }
}

const input = ['--input', join(corpus, 'corpus-*.jsonl')]
headrace('run', join(root, 'pipelines/fineweb.ts'), ...input, '--json')
const questions: Readonly<Record<string, readonly string[]>> = {
  'nothing changed': [],
  'a tighter threshold': ['--rule', 'gopherAlphaWords.below=0.85'],
  'a looser threshold': ['--rule', 'gopherAlphaWords.below=0.7'],
  'another similarity': ['--decider', 'nearDuplicates.similarity=0.6'],
  'nine thresholds': ['--sweep', 'gopherAlphaWords.below=0.5..0.9/9'],
}
const { documents } = JSON.parse(headrace('what-if', 'fineweb', '--json').out)
console.log(`${documents} documents; seconds of the command whole, the best of five, and the median`)
for (const [name, args] of Object.entries(questions)) {
  const seconds = Array.from({ length: 5 }, () => headrace('what-if', 'fineweb', ...args).seconds).sort((a, b) => a - b)
  console.log(`${name.padEnd(20)} ${seconds[0].toFixed(2)}  ${seconds[2].toFixed(2)}`)
}
if (!kept) rmSync(dir, { recursive: true })
