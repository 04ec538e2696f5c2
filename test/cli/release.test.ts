import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { hashOutput, runHeadrace, writeCorpus, writePipeline } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { parseLines, runMain } from './terminal.ts'

// A whole run by the real command line that is held by guard rails, looked at, released, and ends; beside it the same run without.
const dir = makeFolder('release')
const corpus = await writeCorpus({ seed: 5, files: 3, documentsPerFile: 250 })
const plain = await writePipeline(corpus.dir)
const guarded = join(corpus.dir, 'guarded.ts')
const rails = `
  .guard({ by: 'domain', only: ['d1'], above: 0.07, windowSlots: 2, rowsMin: 50 })
  .guard({ by: 'reason', only: ['dead'], above: 0.5, windowSlots: 2, rowsMin: 50 })`
await writeFile(guarded, `${await readFile(plain, 'utf8')}${rails}\n`)
const free = join(dir, 'free')
const runs = join(dir, 'held')
const args = ['run', guarded, '--dir', runs, '--workers', '1', '--json']
const choose = ['release', '--dir', runs, '--run', 'test', '--who', 'Ann Lee', '--why', 'a mirror came twice']

assert.equal((await runMain(['run', plain, '--dir', free, '--workers', '1', '--json'])).status, 0)

test('a run that goes by its guard rails is as any other, and has nothing to release', async () => {
  const printed = await runMain(['release', '--dir', free, '--who', 'a', '--why', 'b'])
  assert.equal(printed.status, 66)
  assert.match(printed.err, /^headrace release: nothing holds the run in .*free\/test: there is nothing to release\n$/)
  const report = JSON.parse((await runMain(['report', '--dir', free, '--json'])).out)
  assert.deepEqual([report.held, report.releases], [null, []])
})

test('a run is held with exit status 3, again and again, until it is released; its bytes are those of the run without', async () => {
  const first = await runHeadrace(args)
  assert.equal(first.status, 3, first.err)
  assert.match(first.err, /headrace run: a guard rail holds slot \d+; the slots before it are committed/)
  assert.match(
    first.err,
    /\ndomain 'd1': \d+ of \d+ rows removed \(\d+\.\d%\) in slots? [\d to]+, above 7\.0%\n {2}[\w-]+ +\d+ +\d/,
  )
  assert.match(first.err, /\n {2}removed, for example\n {4}\d-\d+ {2}\S*part-\d\.jsonl:\d+\n/)
  assert.match(first.err, /headrace release --dir \S+held --run test --who NAME --why TEXT/)
  const again = await runMain(args)
  assert.deepEqual([again.status, again.err.split('\n').slice(-8)], [3, first.err.split('\n').slice(-8)])

  const held = await runMain(['report', '--dir', runs])
  assert.match(held.out, /held by a guard rail at slot \d+\n {2}domain 'd1': \d+ of \d+ rows removed/)
  assert.equal(JSON.parse((await runMain(['report', '--dir', runs, '--json'])).out).held.trips[0].group, 'd1')

  let releases = 0
  for (let finished = again; finished.status !== 0; finished = await runMain(args)) {
    assert.equal(finished.status, 3, finished.err)
    const { status, out, err } = await runMain(choose)
    assert.equal(status, 0, err)
    assert.match(
      out,
      /^slot \d+ of \S+ may pass, says Ann Lee:\n {2}domain 'd1': .*\nNow the same run command goes on\.\n$/,
    )
    const twice = await runMain(choose)
    assert.equal(twice.status, 66)
    assert.match(twice.err, /was released by Ann Lee at \d{4}-.*: run the same command again/)
    assert.ok(++releases < 10, 'a release does not help')
  }
  assert.deepEqual(await hashOutput(join(runs, 'test')), await hashOutput(join(free, 'test')))
  const fates = await Promise.all([runs, free].map(async of => parseLines((await runMain(['fates', '--dir', of])).out)))
  assert.deepEqual(fates[0], fates[1])
  assert.deepEqual(await readdir(join(runs, 'test', 'inbox')), [])
  assert.ok(!(await readdir(join(runs, 'test'))).includes('hold.json'))

  const report = JSON.parse((await runMain(['report', '--dir', runs, '--json'])).out)
  assert.deepEqual([report.held, report.releases.length, report.ended], [null, releases, true])
  const [{ kind, group, who, why }] = report.releases
  assert.deepEqual([kind, group, who, why], ['release', 'd1', 'Ann Lee', 'a mirror came twice'])
  const page = await runMain(['report', '--dir', runs])
  assert.match(page.out, /\nreleased\n {2}domain 'd1': .*, above 7\.0%\n {4}Ann Lee, \d{4}-\S+Z: a mirror came twice\n/)
  assert.match((await runMain(choose)).err, /nothing holds the run/)
})
