import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from '../temporary.ts'

// npm run bench -- small-files [FILES]
// FILES small files (default 100,000) of one record each, and one file with the same records, through a pipeline that measures little:
// seconds, CPU seconds and peak memory of both, and how many times as long the small files take.
const files = Number(process.argv[2] ?? 100_000)
const root = join(import.meta.dirname, '..', '..')
const dir = makeFolder('small-files')
const sentence = 'The mill wheel turns in the race, and the water goes on to the next mill. '

function writeFiles(): void {
  mkdirSync(join(dir, 'many'))
  const lines = Array.from({ length: files }, (_, i) => {
    return `${JSON.stringify({ id: `d${i}`, text: `${i} ${sentence.repeat(3 + (i % 5))}` })}\n`
  })
  for (const [i, line] of lines.entries()) writeFileSync(join(dir, 'many', `${String(i).padStart(7, '0')}.jsonl`), line)
  writeFileSync(join(dir, 'one.jsonl'), lines.join(''))
}

interface Measured {
  readonly documents: number
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakBytes: number
}

async function measure(input: string, run: string): Promise<Measured> {
  const module = join(dir, 'pipeline.ts')
  const port = JSON.stringify(join(root, 'src/index.ts'))
  const rules = `density()).decide(rules({ compressionRatio: { below: 0.0001 } }))`
  writeFileSync(
    module,
    `import { density, jsonl, pipeline, rules } from ${port}\nexport default pipeline('small').from(jsonl('x')).annotate(${rules}\n`,
  )
  const args = ['run', module, '--input', join(dir, input), '--dir', join(dir, run), '--workers', '1', '--json']
  const child = spawn(process.execPath, [join(root, 'bin/headrace.js'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let [out, peakBytes] = ['', 0]
  child.stdout.on('data', data => (out += data))
  const timer = setInterval(() => {
    try {
      const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
      peakBytes = Math.max(peakBytes, 1024 * Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0))
    } catch {}
  }, 100)
  await new Promise(resolve => child.on('close', resolve))
  clearInterval(timer)
  return { ...JSON.parse(out.trim().split('\n').at(-1)!), peakBytes }
}

function show(what: string, { documents, seconds, cpuSeconds, peakBytes }: Measured): void {
  console.log(
    `${what.padEnd(14)} ${documents} documents  ${seconds.toFixed(1)} s  ${cpuSeconds.toFixed(1)} CPU s  peak ${(peakBytes / 1e6).toFixed(0)} MB`,
  )
}

writeFiles()
const one = await measure('one.jsonl', 'run-one')
show('one file', one)
const many = await measure('many/*.jsonl', 'run-many')
show(`${files} files`, many)
console.log(
  `small files take ${(many.seconds / one.seconds).toFixed(1)} times as long (${(many.cpuSeconds / one.cpuSeconds).toFixed(1)} times the CPU time), and ${((many.peakBytes - one.peakBytes) / 1e6).toFixed(0)} MB more`,
)
rmSync(dir, { recursive: true })
