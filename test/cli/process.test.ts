import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { runHeadrace } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { parseLines } from './terminal.ts'

// What only a process of its own shows: signals, closed pipes, other versions of Node.
const dir = makeFolder('cli-process')
const bin = join(import.meta.dirname, '..', '..', 'bin', 'headrace.js')
const input = join(dir, 'in.jsonl')
await writeFile(
  input,
  Array.from({ length: 3000 }, (_, i) => `${JSON.stringify({ id: `id-${i}`, text: `text ${i}` })}\n`).join(''),
)

async function writePipeline(name: string, chain = ''): Promise<string> {
  const file = join(dir, `${name}.ts`)
  await writeFile(
    file,
    `import fs from 'node:fs'\nimport * as h from 'headrace'\nexport default h.pipeline('${name}').from(h.jsonl(${JSON.stringify(input)}))${chain}\n`,
  )
  return file
}

/** Calls back once a file is there. A run's `lock` is there as long as it is at work. */
function whenThere(child: ChildProcess, path: string, then: () => void): void {
  const timer = setInterval(() => {
    if (!existsSync(path)) return
    clearInterval(timer)
    then()
  }, 5)
  child.on('close', () => clearInterval(timer))
}

test('a reader that has seen enough ends a command without an error, and a run goes on', async () => {
  const pipeline = await writePipeline('pipe')
  const run = await runHeadrace(['run', pipeline, '--dir', dir, '--workers', '1'], child => child.stdout!.destroy())
  assert.deepEqual([run.status, run.err], [0, ''])
  assert.match((await runHeadrace(['report', '--dir', dir])).out, /documents +3,000/)
  const { status, err } = await runHeadrace(['fates', '--dir', dir], child =>
    child.stdout!.once('data', () => child.stdout!.destroy()),
  )
  assert.deepEqual([status, err], [0, ''])
})

test('the first signal drains, also when it comes twice at once, and the run goes on later', async () => {
  const pipeline = await writePipeline('drain')
  const args = ['run', pipeline, '--dir', dir, '--workers', '1', '--follow', '--json']
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const stopped = await runHeadrace(args, child =>
      whenThere(child, join(dir, 'drain', 'lock'), () => {
        child.kill(signal)
        child.kill('SIGINT')
      }),
    )
    assert.equal(stopped.status, 130)
    assert.match(stopped.err, /finishing what was read/)
    assert.equal(parseLines(stopped.out)[0].run, 'drain')
  }
})

test('a second signal stops at once', async () => {
  const mark = join(dir, 'at-work')
  const hang = `fs.writeFileSync(${JSON.stringify(mark)}, ''), new Promise(() => {})`
  const stuck = `.annotate({ name: 'stuck', version: 1, exact: true, options: {}, reads: ['text'], writes: [], resources: [], rules: [], annotate: () => (${hang}) })`
  const pipeline = await writePipeline('stuck', stuck)
  const stopped = await runHeadrace(['run', pipeline, '--dir', dir, '--workers', '1', '--json'], child => {
    whenThere(child, mark, () => child.kill('SIGINT'))
    // Later than the time in which a signal counts as the one before.
    child.stderr!.once('data', () => setTimeout(() => child.kill('SIGINT'), 300))
  })
  assert.deepEqual([stopped.status, stopped.out], [130, ''])
})

/** The first Node of the path that is too old for a clone's TypeScript, or null. */
function findOldNode(): string | null {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const node = join(folder, 'node')
    if (!existsSync(node)) continue
    const [major, minor] = execFileSync(node, ['-p', 'process.versions.node']).toString().split('.').map(Number)
    if (major >= 18 && (major < 24 || (major === 24 && minor < 3))) return node
  }
  return null
}
const oldNode = findOldNode()

test('an older Node starts the one of the clone, and passes on signals and statuses', {
  skip: oldNode === null,
}, async () => {
  const pipeline = await writePipeline('old')
  const start = (args: string[]) => spawn(oldNode!, [bin, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const finish = (child: ChildProcess) =>
    new Promise(resolve => child.on('close', (code, signal) => resolve(code ?? signal)))
  assert.equal(await finish(start(['--version'])), 0)
  assert.equal(await finish(start(['run', 'gone.ts'])), 66)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const child = start(['run', pipeline, '--dir', dir, '--workers', '1', '--follow'])
    whenThere(child, join(dir, 'old', 'lock'), () => child.kill(signal))
    assert.equal(await finish(child), 130)
  }
})

test('an older Node and the one that it starts die together, whatever kills either', {
  skip: oldNode === null,
}, async () => {
  const pipeline = await writePipeline('together')
  const lock = join(dir, 'together', 'lock')
  for (const signal of ['SIGKILL', 'SIGQUIT'] as const) {
    const child = spawn(oldNode!, [bin, 'run', pipeline, '--dir', dir, '--workers', '1', '--follow'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    whenThere(child, lock, () => child.kill(signal))
    // The pipes are closed when the last process that has them is gone.
    await once(child, 'close')
    await rm(lock)
  }
  const child = spawn(oldNode!, [bin, 'run', pipeline, '--dir', dir, '--workers', '1', '--follow'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  whenThere(child, lock, () => process.kill(JSON.parse(readFileSync(lock, 'utf8')).pid, 'SIGKILL'))
  assert.deepEqual(await once(child, 'close'), [137, null])
})

/** Output and error of a run, by name: a file, or what the shell makes of a redirection. */
async function runInShell(line: string, args: readonly string[]) {
  const words = ['-c', line, process.execPath, bin, ...args]
  const child = spawn('sh', words, { stdio: ['ignore', 'pipe', 'pipe'] })
  const [out, err, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { status, out, err }
}

const noFull = !existsSync('/dev/full') && 'this system has no /dev/full'
// What the shell does with the command, its arguments, its status, and what it says on the output that is left.
const refused: [what: string, line: string, args: string[], status: number, said: RegExp][] = [
  [
    'a full output of a command',
    '"$0" "$@" >/dev/full',
    ['fates', '--dir', dir, '--run', 'pipe'],
    74,
    /standard output failed with ENOSPC/,
  ],
  [
    'a full output of a run',
    '"$0" "$@" >/dev/full',
    ['run', 'PIPELINE', '--dir', dir, '--workers', '1'],
    74,
    /standard output failed with ENOSPC/,
  ],
  [
    'a full log of a run',
    '"$0" "$@" 2>/dev/full',
    ['run', 'PIPELINE', '--dir', dir, '--workers', '1', '--log-format', 'json'],
    74,
    /documents +3,000/,
  ],
  [
    'a closed log of a run',
    '"$0" "$@" 2>&-',
    ['run', 'PIPELINE', '--dir', dir, '--workers', '1', '--log-format', 'json'],
    0,
    /documents +3,000/,
  ],
  [
    'too few files to open',
    'ulimit -n 40; "$0" "$@"',
    ['run', 'PIPELINE', '--dir', dir, '--workers', '1'],
    74,
    /may open 40 files.*ulimit -n/,
  ],
]
for (const [i, [what, line, args, status, said]] of refused.entries())
  test(`${what} is told with advice, and gives the lock back`, { skip: noFull }, async () => {
    const pipeline = await writePipeline(`refused-${i}`)
    const run = await runInShell(
      line,
      args.map(arg => (arg === 'PIPELINE' ? pipeline : arg)),
    )
    assert.equal(run.status, status, run.err)
    assert.match(run.out + run.err, said)
    assert.equal(existsSync(join(dir, `refused-${i}`, 'lock')), false)
    assert.doesNotMatch(run.err, /^ +at |bug/m)
  })
