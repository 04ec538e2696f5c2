import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { HeadraceError } from './errors.ts'

/**
 * Files of data that algorithms depend on to the byte: each encoding's ranks as tiktoken has them, and fastText's compressed language model
 * (https://fasttext.cc/docs/en/language-identification.html). In a clone they lie in packages that are there for development alone, of which
 * they are a fifth; the build copies them beside what it makes (`scripts/copy-data.ts`), so that whoever installs Headrace gets them alone.
 * NOTICE names their makers and licences, and goes along.
 */
export const dataFiles = {
  'o200k_base.tiktoken': {
    from: 'gpt-tokenizer/data/o200k_base.tiktoken',
    sha256: '446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d',
  },
  'cl100k_base.tiktoken': {
    from: 'gpt-tokenizer/data/cl100k_base.tiktoken',
    sha256: '223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7',
  },
  'r50k_base.tiktoken': {
    from: 'gpt-tokenizer/data/r50k_base.tiktoken',
    sha256: '306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930',
  },
  'lid.176.ftz': {
    from: 'fasttext.wasm.js/dist/models/language-identification/assets/lid.176.ftz',
    sha256: '8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83',
  },
} as const

export type DataFile = keyof typeof dataFiles

/** The file's bytes. Throws 'not-found' where an installation lacks it, and 'corrupt' unless it is, byte for byte, the file of that hash. */
export function readDataFile(name: DataFile): Uint8Array {
  try {
    return checkDataFile(name, readFileSync(pathOf(name)))
  } catch (error) {
    if (error instanceof HeadraceError) throw error
    throw new HeadraceError('not-found', `the data file '${name}' is missing: ${installAgain}`, error)
  }
}

/** The bytes, if they are those of the file. */
export function checkDataFile(name: DataFile, bytes: Uint8Array): Uint8Array {
  const { sha256 } = dataFiles[name]
  const actual = hash('sha256', bytes)
  if (actual === sha256) return bytes
  throw new HeadraceError('corrupt', `the data file '${name}' has SHA-256 ${actual}, not ${sha256}: ${installAgain}`)
}

const installAgain = "install again, with 'npm ci' in a clone"

function pathOf(name: DataFile): string {
  const isClone = import.meta.url.endsWith('.ts')
  if (isClone) return createRequire(import.meta.url).resolve(dataFiles[name].from)
  return fileURLToPath(new URL(`../data/${name}`, import.meta.url))
}
