import { join } from 'node:path'
import { type StateSubject, stateSuite, testState } from '../../conformance/state.ts'
import type { KeyedTable, ListTable, State } from '../../src/decide/state.ts'
import { openTables } from '../../src/decide/tables/tables.ts'
import { makeFolder } from '../temporary.ts'
import { type Mutant, testMutants } from './mutants.ts'

const folder = makeFolder('state')

let files = 0
function inFile(): StateSubject {
  const path = join(folder, `state-${files++}`)
  return { isLasting: true, open: shapes => openTables({ path, shapes, identity: 'test' }) }
}

testState('tables in a file', inFile)
testState('tables in memory', () => {
  return { isLasting: false, open: shapes => openTables({ path: null, shapes, identity: 'test' }) }
})

/** Tables in a file with one part changed. */
const withParts = (change: (state: State) => Partial<State>) => (): StateSubject => {
  const place = inFile()
  return {
    ...place,
    async open(shapes) {
      const state = await place.open(shapes)
      const bound: State = {
        keyed: table => state.keyed(table),
        list: table => state.list(table),
        slot: () => state.slot(),
        seal: slot => state.seal(slot),
        rollback: () => state.rollback(),
        [Symbol.asyncDispose]: () => state[Symbol.asyncDispose](),
      }
      return { ...bound, ...change(state) }
    },
  }
}

const withKeyed = (change: (table: KeyedTable) => Partial<KeyedTable>) =>
  withParts(state => ({
    keyed(name) {
      const table = state.keyed(name)
      const bound: KeyedTable = {
        get size() {
          return table.size
        },
        get: (high, low) => table.get(high, low),
        set: (high, low, value) => table.set(high, low, value),
      }
      return Object.defineProperties(bound, Object.getOwnPropertyDescriptors(change(table)))
    },
  }))

const withList = (change: (table: ListTable) => Partial<ListTable>) =>
  withParts(state => ({
    list(name) {
      const table = state.list(name)
      const bound: ListTable = {
        get size() {
          return table.size
        },
        push: item => table.push(item),
        at: index => table.at(index),
      }
      return Object.defineProperties(bound, Object.getOwnPropertyDescriptors(change(table)))
    },
  }))

const mutants: readonly Mutant<StateSubject>[] = [
  [
    /keeps the value/,
    'only the low half of a key counts',
    withKeyed(table => ({ get: (_, low) => table.get(0, low), set: (_, low, value) => table.set(0, low, value) })),
  ],
  [
    /keeps the value/,
    'the last value wins',
    withKeyed(table => {
      const last = new Map<string, number>()
      return {
        get: (high, low) => last.get(`${high} ${low}`) ?? table.get(high, low),
        set: (high, low, value) => {
          last.set(`${high} ${low}`, value)
          table.set(high, low, value)
        },
      }
    }),
  ],
  [/keeps the value/, 'all keyed tables are one', withParts(state => ({ keyed: () => state.keyed('keys') }))],
  [
    /crowd together/,
    'a table is full at 4096',
    withKeyed(table => ({
      set: (high, low, value) => {
        if (table.size < 4096) table.set(high, low, value)
      },
    })),
  ],
  [/numbered from 0/, 'items are numbered from 1', withList(table => ({ push: item => table.push(item) + 1 }))],
  [
    /numbered from 0/,
    'an item is the array that was pushed',
    withList(table => {
      const items: Uint8Array[] = []
      return {
        push: item => {
          items.push(item)
          return table.push(item)
        },
        at: index => items[index],
      }
    }),
  ],
  [
    /same one each time/,
    'asking for a table begins it anew',
    withParts(state => ({
      keyed(name) {
        const known = new Map<string, number>()
        const table = state.keyed(name)
        return { size: known.size, get: (h, l) => known.get(`${h} ${l}`) ?? -1, set: (h, l, v) => table.set(h, l, v) }
      },
    })),
  ],
  [/rollback forgets/, 'rollback does nothing', withParts(() => ({ rollback() {} }))],
  [
    /rollback forgets/,
    'rollback forgets the keys and not the items',
    withParts(state => {
      let extra = 0
      return {
        rollback() {
          extra++
          state.rollback()
        },
        list(name) {
          const table = state.list(name)
          return { size: table.size + extra, push: item => table.push(item), at: index => table.at(index) }
        },
      }
    }),
  ],
  [
    /setting a present key/,
    'rollback forgets every key that was set since',
    withParts(state => {
      const lost = new Set<string>()
      let since = new Set<string>()
      return {
        keyed(name) {
          const table = state.keyed(name)
          return {
            get size() {
              return table.size
            },
            get: (h, l) => (lost.has(`${h} ${l}`) ? -1 : table.get(h, l)),
            set: (h, l, v) => {
              since.add(`${h} ${l}`)
              table.set(h, l, v)
            },
          }
        },
        seal(slot) {
          since = new Set()
          return state.seal(slot)
        },
        rollback() {
          for (const key of since) lost.add(key)
          state.rollback()
        },
      }
    }),
  ],
  [/begins before slot 0/, 'seal does nothing', withParts(() => ({ async seal() {} }))],
  [/begins before slot 0/, 'slots have 32 bits', withParts(state => ({ slot: () => state.slot() | 0 }))],
  [
    /when it is opened again/,
    'closing seals',
    withParts(state => ({
      async [Symbol.asyncDispose]() {
        await state.seal(state.slot())
        await state[Symbol.asyncDispose]()
      },
    })),
  ],
  [
    /not in a later seal/,
    'rollback waits for the next seal',
    withParts(state => {
      let isDue = false
      return {
        rollback: () => {
          isDue = true
        },
        async seal(slot) {
          if (isDue) state.rollback()
          isDue = false
          await state.seal(slot)
        },
      }
    }),
  ],
  [
    /until it was called/,
    'a seal is taken when it is written',
    withParts(state => ({
      async seal(slot) {
        await Promise.resolve()
        await state.seal(slot)
      },
    })),
  ],
]

testMutants(stateSuite, mutants)
