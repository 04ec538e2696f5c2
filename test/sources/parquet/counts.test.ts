import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parquet } from '../../../src/sources/parquet/parquet.ts'
import { makeFolder } from '../../temporary.ts'
import { readSource } from '../fixture.ts'

const folder = makeFolder('sources')
const golden = (name: string) => readFileSync(join(import.meta.dirname, '../../golden/sources', name))

// Damage that fuzzing finds rarely: a count in a page or a run that asks the decoder for 2^30 values.
test('counts that promise too much are refused before they are believed', { timeout: 5000 }, async () => {
  const found = JSON.parse(golden('bad-counts.json').toString())
  assert.ok(found.length > 0)
  for (const { codec, at, bit } of found as { codec: string; at: number; bit: number }[]) {
    const bytes = golden(`${codec}.parquet`)
    bytes[at] ^= 1 << bit
    const path = join(folder, 'counts')
    writeFileSync(path, bytes)
    const { records } = await readSource(parquet(path))
    assert.equal(records.at(-1)?.reason, 'corrupt-file', `${codec} ${at} ${bit}`)
  }
})
