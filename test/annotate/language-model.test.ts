import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { languageModel } from '../../src/annotate/language-model.ts'
import { numbers, utf8From } from '../../src/batch/batch.ts'
import { checkFields } from '../../src/batch/contract.ts'
import { encodeLanguageModel } from '../../src/text/language-model/model-file.ts'
import { LanguageModelFitter } from '../../src/value/fit-language-model.ts'
import { makeFolder } from '../temporary.ts'

const directory = makeFolder('language-model-annotator')
const model = join(directory, 'prose.lm')

function write(file: string, texts: readonly string[]): void {
  using fitter = new LanguageModelFitter(4096)
  for (const text of texts) fitter.add(new TextEncoder().encode(text))
  writeFileSync(file, Buffer.concat([...encodeLanguageModel({ name: 'prose', ...fitter.finish(1e6) })]))
}
write(model, ['The wheel of the mill turns.', 'The river runs to the mill, and the wheel turns.'])

test('text that is foretold takes fewer bits, of a byte, of a token and of its worst part', async () => {
  const annotator = languageModel({ model })
  const texts = ['The wheel turns.', 'xkcd zq 93 {}', '']
  const columns = await annotator.annotate({ rows: 3, columns: { text: utf8From(texts) } })
  const batch = { rows: 3, columns }
  checkFields(batch, annotator.writes, annotator.name)
  for (const name of ['lm:prose', 'lm:prose:worst', 'lm:prose:token']) {
    const [known, unknown, empty] = numbers(batch, name)
    assert.ok(known > 0 && unknown > 2 * known, `${name}: ${known}, ${unknown}`)
    assert.ok(Number.isNaN(empty))
  }
  assert.deepEqual(annotator.rules, [])
})

test('its columns depend on what is in the file, and a file that was replaced is no model of this run', () => {
  const [resource] = languageModel({ model }).resources
  assert.equal(resource.name, 'lm:prose')
  const moving = join(directory, 'moving.lm')
  write(moving, ['The wheel of the mill turns.'])
  const annotator = languageModel({ model: moving })
  assert.notEqual(annotator.resources[0].sha256, resource.sha256)
  write(moving, ['Another text.'])
  const batch = { rows: 1, columns: { text: utf8From(['a']) } }
  assert.throws(() => annotator.annotate(batch), { code: 'source-changed', message: /moving\.lm .* put it back/ })
})

test('a model that is not there, or none, is refused with what to do', () => {
  const refused = (code: string, path: string) =>
    assert.throws(() => languageModel({ model: path }), { code, message: /headrace lm fit/ })
  refused('not-found', join(directory, 'gone.lm'))
  writeFileSync(join(directory, 'none.lm'), 'headrace-linear/1\n{}\n')
  refused('corrupt', join(directory, 'none.lm'))
})
