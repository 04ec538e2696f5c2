import { registerHooks } from 'node:module'
import { mutants } from './mutants.ts'
import { plantMutant } from './plant-mutant.ts'

/**
 * Puts the simulated machine under the code: what files below src/ import of Node's disk, clock, threads and process is a module of
 * test/simulate/node/ instead. They need no hooks of their own for this; the code under test is the code that ships.
 *
 *     node --import ./test/simulate/install.ts ...
 */
const source = new URL('../../src/', import.meta.url).href
/** Reads what a run wrote, as files. */
const oracleReader = new URL('./oracle-actual.ts', import.meta.url).href

const replaced: Readonly<Record<string, string>> = {
  'node:fs/promises': 'fs-promises.ts',
  'node:fs': 'fs.ts',
  'node:timers': 'timers.ts',
  'node:timers/promises': 'timers-promises.ts',
  'node:worker_threads': 'worker-threads.ts',
  'node:process': 'process.ts',
  'node:os': 'os.ts',
  'node:crypto': 'crypto.ts',
  'simulated:date': 'date.ts',
}

/** Globals that are modules too. A file that uses one imports it in its first line, so that no line moves. */
const globals: readonly (readonly [name: string, from: string])[] = [
  ['setTimeout', 'node:timers'],
  ['clearTimeout', 'node:timers'],
  ['setInterval', 'node:timers'],
  ['clearInterval', 'node:timers'],
  ['setImmediate', 'node:timers'],
]

/** The mutant that this process runs with, by HEADRACE_MUTANT; null for the code as it is. */
const planted = mutants.find(mutant => mutant.name === process.env.HEADRACE_MUTANT) ?? null

registerHooks({
  resolve: (specifier, context, next) => {
    const { parentURL = '' } = context
    const facade = parentURL.startsWith(source) || parentURL === oracleReader ? replaced[specifier] : undefined
    if (facade) return { url: new URL(`./node/${facade}`, import.meta.url).href, shortCircuit: true }
    return next(specifier, context)
  },
  load: (url, context, next) => {
    const loaded = next(url, context)
    if (!url.startsWith(source) || !url.endsWith('.ts')) return loaded
    const text = typeof loaded.source === 'string' ? loaded.source : Buffer.from(loaded.source as Uint8Array).toString()
    return { ...loaded, source: importGlobals(plantMutant(planted, url.slice(source.length), text)) }
  },
})

function importGlobals(text: string): string {
  const named = globals.filter(([name]) => new RegExp(`\\b${name}\\(`).test(text) && !isBound(name, text))
  const imports = named.map(([name, from]) => `import { ${name} } from '${from}';`)
  if (/\bprocess\.(pid|kill)\b/.test(text) && !isBound('process', text))
    imports.push(`import process from 'node:process';`)
  if (/\bDate\.now\(/.test(text)) imports.push(`import { Date } from 'simulated:date';`)
  return imports.join('') + text
}

/** Whether the file imports the name itself. */
function isBound(name: string, text: string): boolean {
  return new RegExp(`^import [^'"]*\\b${name}\\b[^'"]*from`, 'm').test(text)
}
