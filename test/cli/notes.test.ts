import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { randomFrom } from '../random.ts'
import { makeText } from '../run/fixture.ts'
import { makeFolder } from '../temporary.ts'
import { parseLines, runMain } from './terminal.ts'

const dir = makeFolder('cli-notes')
const at = (name: string) => JSON.stringify(join(dir, name))
writeFileSync(join(dir, 'in.jsonl'), `${JSON.stringify({ id: 'a', text: makeText(randomFrom(1), 9) })}\n`)
writeFileSync(join(dir, 'list'), 'good.example\nno \u001b[2J domain\n')
const pipeline = join(dir, 'p.ts')
writeFileSync(
  pipeline,
  `import { jsonl, pipeline, urlLists } from 'headrace'
export default pipeline('p').from(jsonl(${at('in.jsonl')})).annotate(urlLists({ lists: { own: ${at('list')} } }))`,
)
const told = /list 'own': 1 line is unusable: line 2 of \S+, 'no \ufffd\[2J domain', has several words/

test('what an annotator passes over when it is made is told by plan and run, as JSON and in the log', async () => {
  const plan = await runMain(['plan', pipeline])
  // A path is broken where a line of the page ends.
  assert.match(plan.out.replaceAll(/\s+/g, ''), new RegExp(told.source.replaceAll(' ', '')))
  assert.match(JSON.parse((await runMain(['plan', pipeline, '--json'])).out).annotate[0].notes[0], told)
  const run = await runMain(['run', pipeline, '--dir', join(dir, 'runs'), '--workers', '1'])
  assert.deepEqual([run.status, run.err.match(told)?.length], [0, 1])
  const logged = ['--dir', join(dir, 'logged'), '--workers', '1', '--log-format', 'json']
  const { err } = await runMain(['run', pipeline, ...logged])
  assert.deepEqual(
    parseLines(err).flatMap(({ event, level, text }) => (event === 'note' ? [[level, told.test(text as string)]] : [])),
    [['warn', true]],
  )
})
