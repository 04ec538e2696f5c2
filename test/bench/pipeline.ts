import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { makeFolder } from '../temporary.ts'

// npm run bench -- pipeline CORPUS_DIR [FILES]
// pipelines/fineweb.ts from JSON Lines to sealed shards and steps, on one core and on two (by taskset, where the system has it; a worker
// a core), and on a small part of the corpus: speed, how it scales, and whether memory stays flat. CORPUS_DIR holds corpus-*.jsonl; FILES takes that many of them (default all).
const [corpus, filesText] = process.argv.slice(2)
if (!corpus) {
  console.log('usage: npm run bench -- pipeline CORPUS_DIR [FILES]')
  process.exit(64)
}
const files = readdirSync(corpus)
  .filter(name => /^corpus-.*\.jsonl$/.test(name))
  .sort()
  .slice(0, filesText ? Number(filesText) : undefined)
const root = join(import.meta.dirname, '..', '..')

interface Measured {
  readonly textBytes: number
  readonly documents: number
  readonly kept: number
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakBytes: number
}

const hasTaskset = spawnSync('taskset', ['-V']).status === 0

/** Runs the command on the first `cores` cores and samples its resident memory. */
async function measure(names: readonly string[], cores: number): Promise<Measured> {
  const dir = makeFolder('bench')
  const input = names.flatMap(name => ['--input', join(corpus, name)])
  const command = [process.execPath, join(root, 'bin/headrace.js'), 'run', join(root, 'pipelines/fineweb.ts'), ...input]
  const pinned = hasTaskset ? ['taskset', '-c', cores > 1 ? `0-${cores - 1}` : '0', ...command] : command
  const args = [...pinned.slice(1), '--dir', dir, '--workers', String(cores), '--json']
  const child = spawn(pinned[0], args, { stdio: ['ignore', 'pipe', 'ignore'] })
  let [out, peakBytes] = ['', 0]
  child.stdout.on('data', data => (out += data))
  const timer = setInterval(() => {
    try {
      peakBytes = Math.max(
        peakBytes,
        1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0),
      )
    } catch {}
  }, 100)
  await new Promise(resolve => child.on('close', resolve))
  clearInterval(timer)
  rmSync(dir, { recursive: true })
  return { ...JSON.parse(out.trim().split('\n').at(-1)!), peakBytes }
}

function show(what: string, measured: Measured): void {
  const { textBytes, seconds, cpuSeconds, peakBytes, documents, kept } = measured
  const rate = (time: number) => (textBytes / 1e6 / time).toFixed(2)
  console.log(
    `${what.padEnd(28)} ${(textBytes / 1e6).toFixed(0).padStart(5)} MB  ${seconds.toFixed(1).padStart(6)} s  ${rate(seconds).padStart(6)} MB/s  ${rate(cpuSeconds).padStart(6)} MB/s a CPU second  peak ${(peakBytes / 1e6).toFixed(0)} MB  kept ${kept} of ${documents}`,
  )
}

const bytes = files.reduce((sum, name) => sum + statSync(join(corpus, name)).size, 0)
console.log(`${files.length} files, ${(bytes / 1e6).toFixed(0)} MB`)
const two = await measure(files, 2)
show('all, 2 cores', two)
const one = await measure(files, 1)
show('all, 1 core', one)
const small = await measure(files.slice(0, Math.max(1, Math.round(files.length / 6))), 2)
show('a sixth, 2 cores', small)
console.log(
  `2 cores are ${(one.seconds / two.seconds).toFixed(2)} times as fast as 1${hasTaskset ? '' : ' (not pinned: no taskset)'}; peak memory grew by ${((two.peakBytes - small.peakBytes) / 1e6).toFixed(0)} MB for ${two.kept - small.kept} more kept documents`,
)
