import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { testSource } from '../../conformance/source.ts'
import { fingerprintSource } from '../../src/pipeline/fingerprint.ts'
import { runMain } from '../cli/terminal.ts'
import { makeFolder } from '../temporary.ts'
import { tiny, tinyRecords } from './tiny.ts'

// A source is one folder: what checks, describes, fingerprints and runs it knows the port alone.

testSource('a source of its own', () => ({
  source: tiny({ at: 'here' }),
  records: ['a', 'b'].flatMap(split =>
    Array.from({ length: tinyRecords }, (_, i) => ({ file: `here/${split}`, line: i + 1, text: split.repeat(3) })),
  ),
  recordBytesMax: 3,
}))

test('its options are checked as all are', () => {
  const wrong = (options: object) => () => tiny(options as { at: string })
  assert.throws(wrong({ at: 'x', lettres: 5 }), {
    message: /tiny\(\) has no option 'lettres'; did you mean 'letters'\?/,
  })
  assert.throws(wrong({ at: 'x', letters: 0 }), { message: /'letters' 0: give a whole number from 1 to 100/ })
  assert.throws(wrong({}), { code: 'bad-option', message: /tiny\(\) needs 'at': give a name/ })
})

test('its fingerprint leaves out what it calls its origin', () => {
  const print = fingerprintSource(tiny({ at: 'here' }))
  assert.equal(fingerprintSource(tiny({ at: 'there' })), print)
  assert.notEqual(fingerprintSource(tiny({ at: 'here', letters: 4 })), print)
  assert.equal(fingerprintSource({ ...tiny({ at: 'here' }), version: 1 }), print)
  assert.notEqual(fingerprintSource({ ...tiny({ at: 'here' }), version: 2 }), print)
  const whole = (at: string) => fingerprintSource({ ...tiny({ at }), origin: [] })
  assert.notEqual(whole('there'), whole('here'))
})

test('a pipeline with it is planned in its own words, and runs', async () => {
  const folder = makeFolder('source')
  const file = join(folder, 'p.ts')
  await writeFile(
    file,
    `import { pipeline } from 'headrace'
import { tiny } from '${new URL('tiny.ts', import.meta.url)}'
export default pipeline('p').from(tiny({ at: 'here', letters: 7 }))
`,
  )
  const plan = await runMain(['plan', file])
  assert.match(plan.out, /reads +tiny here, 7 letters a document\n/, plan.err)
  const run = await runMain(['run', file, '--dir', folder, '--json'])
  assert.equal(JSON.parse(run.out).documents, 2 * tinyRecords, run.err)
})
