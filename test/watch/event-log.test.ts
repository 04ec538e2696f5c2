import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { runMain } from '../cli/terminal.ts'
import { makeFolder } from '../temporary.ts'
import { eventsOf, find, parseEvents } from './events.ts'

// Runs that something happens to, and the lines that tell it.
async function writeSmall(name: string, chain: string): Promise<{ dir: string; args: string[] }> {
  const dir = makeFolder(name)
  const input = join(dir, 'in.jsonl')
  await writeFile(
    input,
    Array.from({ length: 50 }, (_, i) => `{"id":"\\u009b${i}","domain":"d\\u009b","text":"same\\nall over"}\n`).join(
      '',
    ),
  )
  const file = join(dir, 'p.ts')
  const source = `h.pipeline('small').from(h.jsonl(${JSON.stringify(input)}))${chain}`
  await writeFile(file, `import * as h from 'headrace'\nexport default ${source}\n`)
  return { dir, args: ['run', file, '--dir', dir, '--workers', '1'] }
}

test('a run that is held, and one that is locked, say so in lines alone', async () => {
  const chain =
    ".annotate(h.signature()).decide(h.exactDuplicates()).guard({ by: 'domain', above: 0.5, rowsMin: 10, windowSlots: 8 })"
  const { dir, args } = await writeSmall('held', chain)
  const held = await runMain([...args, '--log-format', 'json'])
  assert.deepEqual([held.status, held.out], [3, ''])
  const lines = parseEvents(held.err)
  const { slot, groups, level } = find(lines, 'guard-hold')!
  assert.deepEqual([slot, level], [0, 'error'])
  assert.deepEqual(groups, [{ guard: 'by domain over 8 slots', group: 'd\u009b', rows: 50, removed: 49 }])
  const { code, exit, retry } = lines.at(-1)!
  assert.deepEqual([eventsOf(lines).at(-1), code, exit, retry], ['error', 'guard-rail', 3, false])
  assert.equal((await runMain(['release', '--dir', dir, '--who', 'me', '--why', 'a "test"'])).status, 0)
  const text = await runMain([...args, '--log-format', 'text'])
  assert.equal(text.status, 0, text.err)
  assert.match(
    text.err,
    /^\S+Z WARN released run=small stage=decide slot=0 guard="by domain over 8 slots" group=d\\u009b who=me why="a \\"test\\""$/m,
  )
  assert.match(text.err, /^\S+Z INFO ended run=small documents=50 kept=1 dropped=49 /m)

  await writeFile(join(dir, 'small', 'lock'), JSON.stringify({ pid: 1, started: '', host: 'another', id: 'x' }))
  const locked = await runMain([...args, '--log-format', 'json'])
  const error = parseEvents(locked.err).at(-1)!
  assert.deepEqual([locked.status, error.code, error.exit, error.retry], [73, 'locked', 73, true])
})

test('a worker that dies is told and counted, and the run goes on', async () => {
  const body =
    '({ columns }) => (columns.id.offsets.length === 51 || (columns.id.bytes.length === 3 && columns.id.bytes[2] === 55)) && process.exit(1) || {}'
  const dies = `.annotate({ name: 'dies', version: 1, exact: true, options: {}, reads: ['id'], writes: [], resources: [], rules: [], annotate: ${body} })`
  const { args } = await writeSmall('dies', dies)
  const { status, err } = await runMain([...args, '--log-format', 'json'])
  const lines = parseEvents(err)
  assert.equal(status, 0, err)
  const lost = lines.filter(line => line.event === 'worker-lost')
  assert.ok(lost.length > 1)
  for (const { reason, slot, level } of lost) assert.deepEqual([reason, slot, level], ['crashed-worker', 0, 'warn'])
  assert.deepEqual(find(lines, 'dead-rows')!.reasons, { 'crashed-worker': 1 })
})

test('a port in use, a wrong address and a wrong format are refused before any work', async () => {
  const { dir, args } = await writeSmall('refused', '')
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const refused: [string[], number, RegExp][] = [
    [['--http', String(port)], 73, /--http: port \d+ of 127\.0\.0\.1 is in use/],
    [['--http', '192.0.2.1:80'], 64, /--http: port 80 of 192\.0\.2\.1 can't be had/],
    [['--http', 'x'], 64, /--http is 'x'; it takes PORT/],
    [['--log-format', 'xml'], 64, /--log-format is 'xml'; it takes text or json/],
    [['--log-format'], 64, /--log-format needs a value/],
  ]
  for (const [more, status, message] of refused) {
    const run = await runMain([...args, ...more])
    assert.deepEqual([run.status, run.out], [status, ''], more.join(' '))
    assert.match(run.err, message)
    assert.ok(!existsSync(join(dir, 'small')))
  }
  const json = await runMain([...args, '--log-format', 'json', '--http', String(port)])
  assert.deepEqual(
    parseEvents(json.err).map(({ event, code }) => [event, code]),
    [['error', 'locked']],
  )
  server.close()
})
