import assert from 'node:assert/strict'
import { registerHooks } from 'node:module'
import { test } from 'node:test'
import { checkCase, drawCase, type Modules, makeUnionBy } from './property.ts'

// The property finds mistakes: each of these is planted into the code, which is loaded again for it, and some case must fail.

const mutants: Readonly<Record<string, readonly [path: string, from: string, to: string]>> = {
  'what a feed has is not entered before a run joins it': [
    'unite/plan-join.ts',
    'if (tables && union) await enterAll(tables, union, wish.openRun)',
    '',
  ],
  'what repeats another is fed all the same': [
    'unite/select.ts',
    'if (leftOut.has(addressOf(slots[i], rows[i]))) continue',
    'if (!leftOut) continue',
  ],
  'documents of two runs have one address': [
    'unite/duplicates.ts',
    'slotOffset + slot, this.#tables',
    'slot, this.#tables',
  ],
  'a domain that is mapped keeps its name': [
    'unite/select.ts',
    'const domain = mapDomain(source.map, entry.domain)',
    'const { domain } = entry',
  ],
  'a run that joins takes the place of what was to come': [
    'feed/plan/assembly.ts',
    'interleave([...this.#pending, ...timeless])',
    'interleave(timeless)',
  ],
  'a run joins before its step': [
    'feed/plan/planner.ts',
    'joinsUpTo(this.#position, this.#controls)',
    'joinsUpTo(Number.MAX_SAFE_INTEGER, this.#controls)',
  ],
  'a block does not count the slots of its runs on': [
    'feed/files/bind.ts',
    'slotOffset + addresses.slots[document]',
    'addresses.slots[document]',
  ],
  'what repeats another names a wrong run': [
    'unite/plan-join.ts',
    'placeAt([...known, own], of)',
    'placeAt([own, ...known], of)',
  ],
  'a run that joins is taken in at the next change of blocks': [
    'feed/plan/assembly.ts',
    '    for (const before = this.#countBlocks(); this.#countBlocks() === before && this.fold(); );\n',
    '',
  ],
}

let planted: readonly [path: string, from: string, to: string] | null = null
registerHooks({
  resolve: (specifier, context, nextResolve) => {
    const found = nextResolve(specifier, context)
    const query = /\?mutant=\d+$/.exec(context.parentURL ?? '')?.[0]
    return query && /\/src\/(unite|feed)\//.test(found.url) ? { ...found, url: found.url + query } : found
  },
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context)
    if (!planted || !url.includes(`/src/${planted[0]}?mutant=`)) return loaded
    const source = String(loaded.source)
    assert.equal(source.split(planted[1]).length, 2, `'${planted[1]}' stands once`)
    return { ...loaded, source: source.replace(planted[1], () => planted![2]) }
  },
})

/** Cases in which some run joins later, documents repeat others, and domains are mapped. */
const seeds = [6]

for (const [i, [name, change]] of Object.entries(mutants).entries())
  test(`a mistake is found: ${name}`, async () => {
    planted = change
    const modules: Modules = await import(`../../src/unite/unite.ts?mutant=${i}`)
    for (const seed of seeds) {
      const isSound = await checkCase(await drawCase(seed), makeUnionBy(modules)).then(
        () => true,
        () => false,
      )
      if (!isSound) return
    }
    assert.fail(`no case of ${seeds} has found it`)
  })

test('and without a mistake these cases hold', async () => {
  for (const seed of seeds) {
    const { leftOut, joins, steps } = await checkCase(await drawCase(seed))
    assert.ok(leftOut > 0 && joins > 0 && steps > 0, `seed ${seed}`)
  }
})
