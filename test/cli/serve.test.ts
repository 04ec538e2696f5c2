import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { writeFeed } from '../export/samples.ts'
import { runHeadrace } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { parseLines, runMain } from './terminal.ts'

const dir = makeFolder('serve-cli')
const at = (name: string) => join(dir, name)
let feed: string
before(async () => {
  feed = await writeFeed(dir)
  writeFileSync(at('token'), 'correct-horse-battery-staple\n')
  writeFileSync(at('short'), 'abc\n')
  writeFileSync(at('two'), 'correct-horse-battery\nstaple-and-more\n')
})

const refused: [args: string[], status: number, message: RegExp][] = [
  [
    ['--host', '0.0.0.0'],
    64,
    /--host is '0\.0\.0\.0', which other machines reach: give --token-file FILE, or --no-token/,
  ],
  [['--host', '::'], 64, /which other machines reach/],
  [['--token-file', at('token'), '--no-token'], 64, /leave one out/],
  [['--token-file', at('none')], 66, /there is no file .*none/],
  [['--token-file', at('short')], 64, /has 3 characters; a token has 16 or more: make one by openssl/],
  [['--token-file', at('two')], 64, /several lines/],
  [['--tls-cert', at('token')], 64, /--tls-cert and --tls-key go together/],
  [['--tls-cert', at('token'), '--tls-key', at('token')], 64, /no certificate and its key in PEM/],
  [['--port', '65536'], 64, /--port is '65536'; it takes a whole number of at least 0 and at most 65535/],
  [['--connections', '0'], 64, /--connections is '0'/],
  [['--host', '203.0.113.1', '--no-token'], 64, /--port: port 8470 of 203\.0\.113\.1 can't be had/],
]
for (const [args, status, message] of refused)
  test(`refused: ${args.join(' ').replaceAll(dir, '')}`, async () => {
    const printed = await runMain(['serve', feed, ...args])
    assert.equal(printed.status, status, printed.err)
    assert.match(printed.err, message)
    assert.equal(printed.out, '')
  })

test('a folder that is no feed is refused', async () => {
  assert.equal((await runMain(['serve', join(dir, 'shards'), '--port', '0'])).status, 66)
  assert.equal((await runMain(['serve', 'nowhere', '--dir', dir, '--port', '0'])).status, 66)
})

test('it says where, serves until a signal, and tells what it did', async () => {
  const args = ['serve', feed, '--port', '0', '--json', '--token-file', at('token')]
  let asked: Promise<Response> | undefined
  const { status, out, err } = await runHeadrace(args, child =>
    child.stdout!.once('data', async line => {
      const { url } = JSON.parse(line)
      asked = fetch(`${url}head.json`, { headers: { authorization: 'Bearer correct-horse-battery-staple' } })
      await (await fetch(`${url}head.json`)).text()
      await (await asked).text()
      child.kill('SIGTERM')
    }),
  )
  assert.equal(status, 0, err)
  const [first, last] = parseLines(out)
  assert.match(String(first.url), /^http:\/\/127\.0\.0\.1:\d+\/feed\/$/)
  assert.deepEqual([(await asked)!.status, last.files, last.unauthorized, last.cut], [200, 1, 1, 0])
  assert.match(err, /finishing what is being answered/)
})

test('killed, it leaves nothing, and the same port is served again', async () => {
  let port = '0'
  const start = (signal: 'SIGKILL' | 'SIGTERM') =>
    runHeadrace(['serve', feed, '--port', port, '--json'], child =>
      child.stdout!.once('data', line => {
        port = new URL(JSON.parse(line).url).port
        child.kill(signal)
      }),
    )
  assert.equal((await start('SIGKILL')).signal, 'SIGKILL')
  assert.equal((await start('SIGTERM')).status, 0)
})

test('--reports takes what a trainer reports, and feed --trainers shows it', async () => {
  const { feed: id } = JSON.parse(readFileSync(join(feed, 'head.json'), 'utf8'))
  const first = JSON.stringify({ form: 1, feed: id, trainer: 'run-7', start: 'c'.repeat(32) })
  const report = JSON.stringify({ n: 1, step: 3, digest: '0'.repeat(64), at: '2026-01-01T00:00:00.000Z' })
  let status = 0
  const { out, err } = await runHeadrace(['serve', feed, '--port', '0', '--reports'], child =>
    child.stdout!.once('data', async line => {
      const url = /http\S+/.exec(String(line))![0]
      const headers = { 'content-type': 'application/x-ndjson' }
      const sent = await fetch(`${url}trainers/run-7`, { method: 'POST', headers, body: `${first}\n${report}\n` })
      await sent.text()
      status = sent.status
      child.kill('SIGTERM')
    }),
  )
  assert.equal(status, 200, err)
  assert.match(out, /requests with reports +1, 1 report in them that no request before had/)
  const shown = parseLines((await runMain(['feed', feed, '--trainers', '--json'])).out)
  assert.deepEqual([shown[0].trainer, shown[0].consumed], ['run-7', 3])
})
