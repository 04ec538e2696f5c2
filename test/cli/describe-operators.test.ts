import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { describeOperators } from '../../src/cli/describe-operators.ts'
import * as headrace from '../../src/index.ts'
import { optional, required, share, uint32 } from '../../src/options.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/operators.md'), 'utf8')

test('docs/operators.md is what the tables say', () => {
  assert.equal(page, describeOperators(), 'the tables have changed: npm run docs writes the page again')
})

test('every annotator, column, option and reason of the package is on it', () => {
  const annotators = [
    ...[headrace.c4(), headrace.density(), headrace.finewebQuality(), headrace.gopherQuality()],
    ...[headrace.gopherRepetition(), headrace.language(), headrace.maskPii(), headrace.normalize()],
    headrace.signature(),
  ]
  for (const { name, options, writes, rules } of annotators)
    for (const said of [...writes.map(field => field.name), ...rules.map(rule => rule.reason), ...Object.keys(options)])
      if (name !== 'normalize' || said !== 'unicode') assert.ok(page.includes(`\`${said}\``), `${name}: ${said}`)
  for (const name of ['onlyFor', 'seedSimilarity', 'tokenize']) assert.match(page, new RegExp(`^## ${name}$`, 'm'))
})

test('deciders are listed with their options, and a cell is one line', () => {
  const options = { rate: required('a | b\n  c', share), seed: optional('seed', uint32, 0) }
  assert.match(
    describeOperators({ holdout: options }),
    /## holdout\n\n\| option .*\n.*\n\| `rate` \| a \\\| b c \| a number from 0 to 1 \| must be given \|\n\| `seed` .* `0` \|\n$/,
  )
})
