import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { HeadraceError } from '../../../src/errors.ts'
import { fitSeed } from '../../../src/text/likeness/seed.ts'
import { readSeed, writeSeed } from '../../../src/text/likeness/seed-file.ts'

const texts = ['the kernel of the homomorphism is a normal subgroup ', 'the rain in Spain is mainly in the plain ']
const [seedText, backgroundText] = texts.map(text => Buffer.from(text.repeat(20)))
const seed = await fitSeed([seedText], [backgroundText], { name: 'algebra', buckets: 64 })
const text = writeSeed(seed)

/** The text with its own seal, as a stranger can make it. */
function seal(body: string): string {
  return `${body.slice(0, -1)},"sha256":"${hash('sha256', body)}"}\n`
}
const body = `${text.slice(0, text.indexOf(',"sha256"'))}}`

test('a written seed is read back, and most of a small one takes no room', async () => {
  assert.deepEqual(readSeed(text, 'a.json'), seed)
  assert.equal(writeSeed(readSeed(text, 'a.json')), text)
  assert.equal(seal(body), text)
  const whole = await fitSeed([seedText], [backgroundText], { name: 'algebra' })
  assert.deepEqual(readSeed(writeSeed(whole), 'a.json'), whole)
  assert.ok(writeSeed(whole).length < 1000)
})

test('one that is changed is not, nor one of another format, nor one whose counts are none', () => {
  const wrong: [text: string, message: RegExp][] = [
    [text.replace('algebra', 'algebre'), /damaged/],
    [text.replace('[-', '[1,-'), /damaged/],
    [text.slice(0, -20), /is no seed, not headrace-seed\/3; fit it again/],
    ['', /is no seed/],
    ['null', /is no seed/],
    ['{}', /is no seed/],
    ['[]', /is no seed/],
    [JSON.stringify({ format: 'headrace-seed/3' }), /damaged/],
    [
      text.replace('headrace-seed/3', 'headrace-seed/2'),
      /is of format headrace-seed\/2, not headrace-seed\/3; fit it again/,
    ],
    [text.replace('headrace-seed/3', '\\u001b[31m'), /is of format .\[31m, not/],
    [seal(body.replace('"buckets":64', '"buckets":4294967296')), /does not hold the counts/],
    [seal(body.replace('"buckets":64', '"buckets":128')), /does not hold the counts/],
    [seal(body.replace('[-', '[1e9,-')), /does not hold the counts/],
    [seal(body.replace('[-', '["a",-')), /does not hold the counts/],
    [seal(body.replace(/"background":.*/, '"background":null}')), /does not hold the counts/],
  ]
  for (const [damaged, message] of wrong)
    assert.throws(
      () => readSeed(damaged, 'a.json'),
      error => error instanceof HeadraceError && error.code === 'corrupt' && message.test(error.message),
      `${message} ${damaged.slice(0, 60)}`,
    )
})
