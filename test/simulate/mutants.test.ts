import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Children } from './children.ts'
import { huntMutant } from './hunt.ts'
import { mutants } from './mutants.ts'
import { applyChange } from './plant-mutant.ts'

const src = join(import.meta.dirname, '..', '..', 'src')

for (const { name, changes } of mutants)
  test(`the source has the place of the mutant '${name}'`, () => {
    for (const change of changes) {
      const text = readFileSync(join(src, change.file), 'utf8')
      assert.notEqual(applyChange(text, change), text)
    }
  })

const sound = new Children()
after(() => sound[Symbol.asyncDispose]())

// Some that few seeds find; `npm run simulate -- --mutants` hunts all.
const quick = [
  'a commit is not synced',
  'a row that failed has no fate',
  "a shard's number is used again after a restart",
]
for (const name of quick)
  test(`the simulation finds the mutant '${name}'`, async () => {
    const mutant = mutants.find(other => other.name === name)!
    const { found } = await huntMutant(mutant, sound, 1, 60, 1)
    assert.ok(found, 'no seed fails')
  })
