import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// One folder holds all that this process and its children put into the temporary folder, and goes with this process: also when a test fails,
// and with what a killed child had no time to remove.
const shared = tmpdir()
const own = mkdtempSync(join(shared, 'headrace-'))
process.env.TMPDIR = own
// What commands remember for their user is not this machine's.
process.env.XDG_STATE_HOME = join(own, 'state')
// By default Node keeps compiled modules in the temporary folder: each test would compile all of them again.
process.env.NODE_COMPILE_CACHE ??= join(shared, 'node-compile-cache')

let count = 0
let isKept = false
process.on('exit', () => {
  if (!isKept) rmSync(own, { recursive: true, force: true, maxRetries: 3 })
})

/** A new folder, named after what it is for. It is removed when this process ends. */
export function makeFolder(name: string): string {
  const folder = join(own, `${name}-${++count}`)
  mkdirSync(folder)
  return folder
}

/** Keeps the folders after all, for somebody to look at what went wrong. */
export function keepFolders(): void {
  isKept = true
}
