import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDocumentQuery } from '../../../src/page/live/document-query.ts'

const parse = (text: string) => parseDocumentQuery(new URLSearchParams(text))

const read: [parameters: string, query: object][] = [
  ['', {}],
  ['fate=dead&limit=100', { fate: 'dead', limit: 100 }],
  ['reason=too+short&domain=%3Cb%3E&q=x', { reason: 'too short', domain: '<b>', q: 'x' }],
  ['after=12/340', { after: { slot: 12, row: 340 } }],
  ['q=&fate=&after=&limit=', {}],
  ['domain=__proto__', { domain: '__proto__' }],
]
for (const [parameters, query] of read)
  test(`${parameters || 'nothing'} is read`, () => {
    const given = Object.entries(parse(parameters)).filter(([, value]) => value !== undefined)
    assert.deepEqual(Object.fromEntries(given), query)
  })

const refused: [parameters: string, says: RegExp][] = [
  ['fate=gone', /'fate' "gone": give one of kept, dropped, dead/],
  ['limit=0', /'limit' 0: give a whole number from 1 to 100/],
  ['limit=101', /'limit' 101/],
  ['limit=1e1', /'limit' "1e1"/],
  ['limit=-1', /'limit' "-1"/],
  ['after=3', /'after' "3": give SLOT\/ROW/],
  ['after=3/4/5', /'after'/],
  ['after=-1/0', /'after'/],
  [`after=${'9'.repeat(11)}/0`, /'after'/],
  [`q=${'x'.repeat(513)}`, /'q' "x+\.\.\.: give 1 to 512 characters/],
  ['fat=dead', /no option 'fat'; did you mean 'fate'\?/],
  ['__proto__=1', /no option '__proto__'/],
  ['fate=dead&fate=kept', /'fate' twice/],
]
for (const [parameters, says] of refused)
  test(`${parameters.slice(0, 30)} is refused`, () =>
    assert.throws(() => parse(parameters), { code: 'bad-option', message: says }))
