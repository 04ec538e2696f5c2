import assert from 'node:assert/strict'
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { choosePlace, rememberPlace } from '../../src/cli/known-brokers.ts'
import { makeFolder } from '../temporary.ts'
import { runMain } from './terminal.ts'

type Options = Readonly<Record<string, string>>
const argsOf = (options: Options) => ({ text: (name: string) => options[name] })
const mine = 'kafka://mine:9092'
const theirs = 'kafka://theirs:9092'

test('a place is used that the user has named, now, before or in the environment', async () => {
  const env = { XDG_STATE_HOME: makeFolder('state'), HEADRACE_BROKERS: 'kafka://env:9092,env:9093' }
  await rememberPlace({ log: mine, logConfig: '/etc/mine' }, env)
  await rememberPlace({ log: 'kafka://user:password@host:1', logConfig: null }, env)
  // What the run's file says, what the command line says, and what is used; null where it is refused.
  const cases: [log: string | null, config: string | null, options: Options, used: unknown][] = [
    [null, null, {}, [null, null]],
    [null, null, { log: mine }, null],
    [mine, '/etc/mine', {}, [mine, '/etc/mine']],
    [mine, null, {}, [mine, null]],
    [mine, '/etc/theirs', {}, null],
    [theirs, null, {}, null],
    [theirs, '/etc/mine', {}, null],
    ['kafka://env:9092,env:9093', null, {}, ['kafka://env:9092,env:9093', null]],
    ['kafka://env:9092,env:9093', '/etc/theirs', {}, null],
    // Brokers that are named say nothing of the file.
    [theirs, '/etc/theirs', { log: mine }, null],
    [theirs, '/etc/theirs', { 'log-config': '/etc/mine' }, null],
    [theirs, '/etc/theirs', { log: 'kafka://b:1', 'log-config': '/etc/b' }, ['kafka://b:1', '/etc/b']],
    // It was named before.
    ['kafka://b:1', '/etc/b', {}, ['kafka://b:1', '/etc/b']],
    [theirs, null, { log: theirs }, [theirs, null]],
    [theirs, null, {}, [theirs, null]],
  ]
  for (const [log, logConfig, options, used] of cases) {
    const choice = choosePlace('runs/a', { log, logConfig }, argsOf(options), env)
    const what = JSON.stringify([log, logConfig, options])
    if (used === null) await assert.rejects(choice, { code: 'bad-option' }, what)
    else assert.deepEqual(Object.values(await choice), used, what)
  }
  const file = join(env.XDG_STATE_HOME, 'headrace/known-brokers.json')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.doesNotMatch(readFileSync(file, 'utf8'), /password/)
})

test('what is refused says how to allow it, in words that a shell takes as they are', async () => {
  const place = { log: 'kafka://a:1;$(rm)', logConfig: "it's\u001b[2J" }
  await assert.rejects(choosePlace('runs/a', place, argsOf({}), { XDG_STATE_HOME: '/none' }), {
    message:
      /runs\/a has its log at --log 'kafka:\/\/a:1;\$\(rm\)' --log-config 'it'\\''s\ufffd\[2J', which you have not named/,
  })
})

test('a list that is damaged, or can not be written, asks again', async () => {
  const folder = makeFolder('state')
  const env = { XDG_STATE_HOME: folder }
  await rememberPlace({ log: mine, logConfig: null }, env)
  const file = join(folder, 'headrace/known-brokers.json')
  writeFileSync(file, '[{"log":7}]')
  await assert.rejects(choosePlace('a', { log: mine, logConfig: null }, argsOf({}), env), { code: 'bad-option' })
  await rememberPlace({ log: mine, logConfig: null }, { XDG_STATE_HOME: file })
  chmodSync(file, 0o600)
  assert.ok(existsSync(file))
})

test('no command connects to hosts, or opens files, that a folder names', async () => {
  let met = 0
  const server = createServer(socket => {
    met++
    socket.destroy()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const dir = makeFolder('stranger')
  writeFileSync(join(dir, 'in.jsonl'), '{"text":"a"}\n')
  const pipeline = join(dir, 'p.ts')
  const source = `h.jsonl(${JSON.stringify(join(dir, 'in.jsonl'))})`
  writeFileSync(pipeline, `import * as h from 'headrace'\nexport default h.pipeline('p').from(${source})\n`)
  const runs = ['--dir', join(dir, 'runs')]
  assert.equal((await runMain(['run', pipeline, ...runs, '--workers', '1'])).status, 0)
  const file = join(dir, 'runs/p/run.json')
  const run = JSON.parse(readFileSync(file, 'utf8'))
  const log = `kafka://127.0.0.1:${port}`
  writeFileSync(file, JSON.stringify({ ...run, log, logConfig: null }))
  process.env.HEADRACE_KAFKA_DELIVERY_TIMEOUT_MS = '0'
  try {
    const commands = [
      ...['report', 'verify', 'doctor', 'look', 'fates', 'feed'].map(name => [name]),
      ...[
        ['trace', 'a'],
        ['decisions', 'gopherQuality'],
        ['release', '--who', 'me', '--why', 'so'],
      ],
      ...[
        ['redrive', pipeline],
        ['run', pipeline],
        ['doctor', pipeline],
      ],
    ]
    for (const command of commands) {
      const { status, err } = await runMain([...command, ...runs])
      assert.deepEqual([status, met], [64, 0], `${command}: ${err}`)
      assert.match(err, new RegExp(`has its log at --log ${log}, which you have not named`))
    }
    // Once they are named, they are asked, and from then on.
    for (const more of [['--log', log], []]) {
      const before = met
      const { status } = await runMain(['report', ...runs, ...more])
      assert.ok(status !== 64 && met > before, `${status}`)
    }
    // A file of properties is another matter.
    writeFileSync(file, JSON.stringify({ ...run, log, logConfig: join(dir, 'in.jsonl') }))
    assert.match((await runMain(['report', ...runs])).err, /--log-config \S+in\.jsonl, which you have not named/)
  } finally {
    delete process.env.HEADRACE_KAFKA_DELIVERY_TIMEOUT_MS
    server.close()
  }
})
