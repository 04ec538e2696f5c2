import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { HeadraceError } from '../src/errors.ts'
import {
  findNearest,
  flag,
  listOf,
  name,
  number,
  type OptionsOf,
  oneOf,
  optional,
  orNull,
  recordOf,
  required,
  resolveOptions,
  share,
  text,
  uint32,
  whole,
} from '../src/options.ts'

const table = {
  rate: required('a share', share),
  seed: optional('a seed', uint32, 0),
  unit: optional('a unit', oneOf(['line', 'page']), 'line'),
  below: optional('a bound', orNull(number()), 0.5),
  words: optional('some words', listOf(name), ['the']),
  rates: optional('rates by name', recordOf(number(0)), {}),
  isFast: optional('how', flag, true),
  bands: optional('bands', whole(1, 64), 14),
  reasons: optional('some reasons', listOf(text, 1)),
}
const resolve = (given: unknown) => resolveOptions('it()', table, given as OptionsOf<typeof table>)

test('what is left out, or undefined, has its default; null is a value', () => {
  const defaults = {
    seed: 0,
    unit: 'line',
    below: 0.5,
    words: ['the'],
    rates: {},
    isFast: true,
    bands: 14,
    reasons: undefined,
  }
  assert.deepEqual(resolve({ rate: 0.5 }), { rate: 0.5, ...defaults })
  assert.deepEqual(resolve({ rate: 1, seed: undefined, below: null }), { rate: 1, ...defaults, below: null })
  assert.deepEqual(resolve({ rate: 1, reasons: [''] }).reasons, [''])
})

const round: Record<string, unknown> = {}
round.rates = round

const refused: [given: unknown, says: RegExp][] = [
  [{}, /it\(\) needs 'rate': give a number from 0 to 1/],
  [{ rate: 1.5 }, /it\(\) has 'rate' 1\.5: give a number from 0 to 1/],
  [{ rate: '0.5' }, /has 'rate' "0\.5"/],
  [{ rate: Number.NaN }, /has 'rate' NaN/],
  [{ rate: 1, sede: 3 }, /it\(\) has no option 'sede'; did you mean 'seed'\? there are rate, seed, unit/],
  [{ rate: 1, unrelated: 3 }, /no option 'unrelated'; there are rate/],
  [{ rate: 1, toString: 3 }, /no option 'toString'/],
  [{ rate: 1, seed: -1 }, /'seed' -1: give a whole number from 0 to 4294967295/],
  [{ rate: 1, seed: 0.5 }, /'seed' 0\.5/],
  [{ rate: 1, unit: 'word' }, /'unit' "word": give one of line, page$/],
  [{ rate: 1, unit: 'pagge' }, /give one of line, page; did you mean 'page'\?$/],
  [{ rate: 1, unit: Symbol('x') }, /'unit' Symbol\(x\): give one of line, page$/],
  [{ rate: 1, below: 'x' }, /'below' "x": give a number, or null/],
  [{ rate: 1, words: ['a', ''] }, /'words' \["a",""\]: give a list, each a name; '1' is ""$/],
  [{ rate: 1, reasons: [] }, /'reasons' \[\]: give a list of at least 1, each a string$/],
  [{ rate: 1, rates: { a: -1 } }, /'rates' \{"a":-1\}: give names, each with a number from 0 on; 'a' is -1$/],
  [{ rate: 1, rates: { ['b'.repeat(100)]: 1, a: 10n } }, /'a' is 10$/],
  [{ rate: 1, rates: round }, /'rates' \[object Object\]: give names, .*; 'rates' is \[object Object\]$/],
  [{ rate: 1, seed: 10n }, /'seed' 10: give a whole number/],
  [{ rate: 1, isFast: 1 }, /'isFast' 1: give true or false/],
  [{ rate: 1, words: 'x'.repeat(1000) }, /'words' "x{79}\.\.\.: give/],
  [null, /it\(\) takes an object of options, not null/],
  [Boolean, /takes an object of options, not a function/],
  ['fast', /takes an object of options, not "fast"/],
]
for (const [given, says] of refused)
  test(`${inspect(given).slice(0, 60)} is refused with what is right`, () => {
    assert.throws(
      () => resolve(given),
      (error: unknown) => error instanceof HeadraceError && error.code === 'bad-option' && says.test(error.message),
    )
  })

const nearest: [string, string | null][] = [
  ['wordMin', 'wordsMin'],
  ['WORDSMIN', 'wordsMin'],
  ['wordsMni', 'wordsMin'],
  ['lines', null],
  ['', null],
  ['x'.repeat(1e6), null],
]
for (const [given, expected] of nearest)
  test(`of wordsMin and linesMaxAll, '${given.slice(0, 20)}' is nearest to ${expected}`, () => {
    assert.equal(findNearest(given, ['wordsMin', 'linesMaxAll']), expected)
  })
