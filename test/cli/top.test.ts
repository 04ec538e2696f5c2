import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { copyFile, cp, readFile, rename, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { broker, newRun, testOnBroker } from '../log/kafka/broker.ts'
import { hashFiles, runHeadrace, runUntilCommit, smallSlots, writeCorpus, writePipeline } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { parseLines, runMain } from './terminal.ts'

// A run of the real command that is looked at while it goes, is killed, is held and has ended.
const corpus = await writeCorpus({ seed: 4, files: 2, documentsPerFile: 120 })
const pipeline = await writePipeline(corpus.dir)
const dir = makeFolder('top')
const args = ['run', pipeline, '--dir', dir, '--workers', '1']
const top = (...more: string[]) => runMain(['top', '--dir', dir, ...more])

const killed = await runUntilCommit(args, { runDir: join(dir, 'test'), signal: 'SIGKILL', stage: 'decide', commits: 2 })
assert.equal(killed.signal, 'SIGKILL')
const killedCopy = join(makeFolder('copies'), 'copy')
await cp(join(dir, 'test'), killedCopy, { recursive: true })

test('a run that was killed is not at work, though its lock is there', async () => {
  assert.ok(await readFile(join(dir, 'test', 'lock')))
  const { status, out, err } = await top('--once')
  assert.deepEqual([status, err], [0, ''])
  assert.match(out, /^test {2}stopped {2}\d+ documents {2}[\d.]+% kept\n/)
  assert.match(out, /^no process has it, and it has not ended: the same run command goes on$/m)
  assert.match(out, /^annotate +\d+ +-$/m)
})

/** Runs the pipeline as a process that goes on, and calls back with the address of its status server. */
async function whileAtWork(work: (url: string) => Promise<void>): Promise<void> {
  let working: Promise<void> | null = null
  const start = (child: ChildProcess) => {
    let text = ''
    child.stderr!.on('data', data => {
      const url = /"url":"(http[^"]+)"/.exec((text += data))?.[1]
      if (url) working ??= work(url).finally(() => child.kill('SIGINT'))
    })
  }
  const { status, err } = await runHeadrace(
    [...args, '--follow', '--http', '0', '--log-format', 'json', '--json'],
    start,
    smallSlots,
  )
  await working
  assert.equal(status, 130, err)
}

test('a run at work, from its log, from its server and from both', async () => {
  const documents = 2 * corpus.documents
  await whileAtWork(async url => {
    const look = async (...more: string[]) => parseLines((await runMain(['top', ...more, '--once', '--json'])).out)[0]
    // More comes while it is looked at, complete when it appears.
    for (const part of [0, 1]) {
      await copyFile(join(corpus.dir, `part-${part}.jsonl`), join(corpus.dir, 'more'))
      await rename(join(corpus.dir, 'more'), join(corpus.dir, `part-${part + 7}.jsonl`))
    }
    let log = await look('--dir', dir)
    while (Number(log.documents) < documents) log = await look('--dir', dir)
    assert.deepEqual([log.run, log.state, log.documents, log.dead], ['test', 'running', documents, 2 * corpus.broken])
    assert.ok(Number(log.rateSeconds) >= 0.9 && Number(log.recentSeconds) >= 0.9, JSON.stringify(log))
    assert.ok(Number(log.seconds) > 0, 'for how long it is at work')
    assert.deepEqual([log.memoryBytes, log.cores, log.inputBytes], [null, null, null], 'no log says that')

    const server = await look('--url', url)
    const both = await look('test', '--dir', dir, '--url', `${url}/`)
    const of = (found: Record<string, unknown>) => [found.run, found.state, found.documents, found.kept, found.dropped]
    assert.deepEqual(of(server), of(log))
    assert.deepEqual(of(both), of(log))
    assert.deepEqual([server.bytes, server.domains], [null, []], 'no metric says that')
    for (const found of [server, both]) {
      assert.ok(Number(found.memoryBytes) > 1e7 && Number(found.cores) >= 0, JSON.stringify(found))
      const stages = found.stages as { stage: string; lag: number | null }[]
      assert.deepEqual(
        stages.map(({ stage, lag }) => [stage, lag]),
        ['annotate', 'decide', 'shard'].map(stage => [stage, 0]),
      )
    }
    assert.deepEqual((both.domains as { domain: string }[]).length, 3)
    const { out } = await runMain(['top', '--url', url, '--once'], 80)
    assert.match(out, /^test {2}running [\d.]+ s {2}[\d.]+ [kM]?B\/s {2}480 documents/)
    assert.match(out, /^stage +slot +slots\/s +MB\/s +lag$/m)
    const other = await runMain(['top', killedCopy, '--url', url, '--once'])
    assert.equal(other.status, 64)
    assert.match(other.err, /^headrace top: --url is of the run 'test', and \S+ is 'copy': leave one of them out\n$/)
  })
})

test('a run that has ended says so once, also in a pipe, and is left as it was', async () => {
  assert.equal((await runHeadrace(args, undefined, smallSlots)).status, 0)
  const before = await hashFiles(dir)
  const once = await top('--once')
  assert.match(once.out, /^test {2}ended {2}480 documents {2}[\d.]+% kept\n/)
  assert.match(once.out, /^d0 +[\d.]+% +(near|exact)-duplicate +[\d.]+%$/m)
  assert.match(once.out, /^[\d.]+ .?B read {2}\d+ dead\n[\d,.k]+ tokens sealed {2}\d+ steps\n/m)
  const piped = await top()
  const stripFree = (text: string) => text.replace(/[\d.]+ .B free/, '')
  assert.equal(stripFree(piped.out), stripFree(once.out))
  assert.deepEqual(await hashFiles(dir), before)
})

test('a run that a guard rail holds says which, and the command that releases it', async () => {
  const guarded = join(corpus.dir, 'guarded.ts')
  const rail = `.guard({ by: 'domain', only: ['d1'], above: 0.01, windowSlots: 1, rowsMin: 5 })`
  await writeFile(guarded, `${await readFile(pipeline, 'utf8')}  ${rail}\n`)
  const held = makeFolder('held')
  assert.equal((await runMain(['run', guarded, '--dir', held, '--workers', '1'])).status, 3)
  const { out } = await runMain(['top', '--dir', held, '--once'], 80)
  assert.match(out, /^test {2}held/)
  assert.match(out, /^held by a guard rail at slot \d+\ndomain 'd1': \d+ of \d+ rows removed/m)
  const words = out.replaceAll('\n', ' ')
  assert.ok(words.includes(`headrace release --dir ${held} --run test --who NAME --why TEXT lets it pass`), out)
})

// On brokers: what was committed is read from them, by whoever may have the folder; a spread run's processes are named by no lock.
for (const [kind, more, isAtRest, stages] of [
  ['one process', [], 'stopped', ['annotate', 'decide', 'sealed']],
  ['many', ['--spread', '--partitions', '2'], 'quiet', ['load', 'annotate', 'decide', 'sealed']],
] as const)
  testOnBroker(`a run of ${kind} on brokers, killed and ended`, async () => {
    const name = newRun()
    const runs = makeFolder('brokers')
    const own = ['--dir', runs, '--run', name]
    const command = ['run', pipeline, ...own, '--workers', '1', '--log', `kafka://${broker}`, ...more]
    const look = async () => parseLines((await runMain(['top', ...own, '--once', '--json'])).out)[0]
    // By then its topics are there.
    const killAtWork = (child: ChildProcess) => {
      let text = ''
      child.stderr!.on('data', data => {
        if ((text += data).includes('"stage-began"')) child.kill('SIGKILL')
      })
    }
    const first = await runHeadrace([...command, '--log-format', 'json'], killAtWork, smallSlots)
    assert.equal(first.signal, 'SIGKILL', first.err)
    const rested = await look()
    assert.equal(rested.state, isAtRest)
    assert.equal((await runHeadrace(command, undefined, smallSlots)).status, 0)
    const ended = await look()
    assert.deepEqual([ended.state, ended.documents], ['ended', 480])
    assert.deepEqual(
      (ended.stages as { stage: string }[]).map(({ stage }) => stage),
      stages,
    )
  })

const deadPort = await (async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
})()

const refusals: [what: string, args: string[], status: number, message: RegExp][] = [
  [
    'a run that is not there',
    ['--dir', dir, 'gone'],
    66,
    /there is no run 'gone': \S+ holds test, and gone is no folder/,
  ],
  ['no run at all', ['--dir', join(dir, 'none')], 66, /holds no run; begin one with 'headrace run PIPELINE'/],
  ['two runs', ['--dir', dir, 'test', '--run', 'test'], 64, /RUN is 'test', and --run is given too/],
  ['another argument', ['--dir', dir, 'test', 'b'], 64, /it takes \[RUN\], and got 'test b'/],
  [
    'what is no URL',
    ['--url', 'localhost:9464x'],
    64,
    /--url is 'localhost:9464x': it takes the address that headrace run --http says/,
  ],
  ['another protocol', ['--url', 'file:///etc/passwd'], 64, /--url is 'file:/],
  ['a password', ['--url', 'http://a:secret@h'], 64, /^(?!.*secret).*--url has a user or a password/],
  [
    'a server that is not there',
    ['--url', `http://127.0.0.1:${deadPort}`],
    66,
    /does not answer \(ECONNREFUSED\): is the run going on, with --http\?/,
  ],
]
for (const [what, given, status, message] of refusals)
  test(`refused: ${what}`, async () => {
    const refused = await runMain(['top', '--once', ...given])
    assert.deepEqual([refused.status, refused.out], [status, ''])
    assert.match(refused.err, message)
  })

const answers: [what: string, status: number, body: string, message: RegExp][] = [
  ['another server', 200, '<html>hello</html>', /\/metrics has no metrics of a run/],
  ['one without metrics', 404, '', /answers with status 404 and is no status server of a run/],
  ['one that leads elsewhere', 302, '', /answers with status 302/],
  ['one that never ends', 200, 'x'.repeat(5_000_000), /answers with more than 4194304 bytes/],
]
for (const [what, code, body, message] of answers)
  test(`refused: ${what}`, async () => {
    const server = createServer((_, response) => response.writeHead(code, { Location: '/' }).end(body))
    server.listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
    try {
      const { port } = server.address() as AddressInfo
      const { status, err } = await runMain(['top', '--once', '--url', `http://127.0.0.1:${port}`])
      assert.equal(status, 66)
      assert.match(err, message)
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })

/** `headrace top` on a terminal that takes screens, and a keyboard that tells in which mode it is. */
const liveTop = `
const { main } = await import(process.argv[1])
process.stdin.isTTY = true
process.stdin.setRawMode = isRaw => process.stderr.write(isRaw ? 'raw ' : 'cooked ')
const out = { write: text => process.stdout.write(text), isTTY: true, columns: 80, rows: 24 }
process.exitCode = await main(process.argv.slice(2), { out, err: process.stderr })`

/** Runs it until its first frame, does something to it, and returns what it left. */
async function watchUntil(act: (child: ChildProcess) => unknown, runs = dir) {
  const main = new URL('../../src/cli/main.ts', import.meta.url).href
  const child = spawn(process.execPath, ['--input-type=module', '-e', liveTop, main, 'top', '--dir', runs], {
    env: { ...process.env, TERM: 'xterm', NO_COLOR: '' },
  })
  let [out, err] = ['', '']
  let hasActed = false
  child.stderr.on('data', data => (err += data))
  child.stdout.on('data', data => {
    out += data
    if (hasActed || !out.includes('documents')) return
    hasActed = true
    act(child)
  })
  const status = await new Promise<number | null>(resolve => child.on('close', resolve))
  return { status, out, err }
}

const ways: [what: string, act: (child: ChildProcess) => unknown, status: number][] = [
  ['q', child => child.stdin!.write('q'), 0],
  ['Ctrl-C of a raw terminal', child => child.stdin!.write('\u0003'), 0],
  ['SIGINT', child => child.kill('SIGINT'), 130],
  ['SIGTERM', child => child.kill('SIGTERM'), 130],
  ['SIGHUP', child => child.kill('SIGHUP'), 129],
]
for (const [what, act, status] of ways)
  test(`a terminal is as it was after ${what}`, async () => {
    const left = await watchUntil(act)
    assert.deepEqual([left.status, left.err], [status, 'raw cooked '])
    assert.ok(
      left.out.startsWith('\u001b[?1049h\u001b[?25l\u001b[H\u001b[1mtest  ended'),
      JSON.stringify(left.out.slice(0, 60)),
    )
    assert.ok(left.out.endsWith('\u001b[J\u001b[?25h\u001b[?1049l'), JSON.stringify(left.out.slice(-40)))
    assert.equal(left.out.split('\u001b[?1049l').length, 2, 'given back once')
  })

test('a run that goes while somebody looks is told when the terminal is as it was', async () => {
  const runs = makeFolder('going')
  await cp(join(dir, 'test'), join(runs, 'test'), { recursive: true })
  const left = await watchUntil(() => rename(join(runs, 'test'), join(runs, 'elsewhere')), runs)
  assert.equal(left.status, 66)
  assert.match(left.err, /^raw cooked headrace top: the run in \S+ was removed\n$/)
  assert.ok(left.out.endsWith('\u001b[?25h\u001b[?1049l'))
})
