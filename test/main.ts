import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// node test/main.ts FILES AND OPTIONS OF `node --test`: runs tests with a temporary folder of their own, and fails when one left a file in it.
const folder = mkdtempSync(join(tmpdir(), 'headrace-'))
// Each file is a process of its own, and most load the same modules: what one compiled, the next one need not.
const cache = join(import.meta.dirname, '../node_modules/.cache/headrace/modules')
const child = spawn(process.execPath, ['--test', ...process.argv.slice(2)], {
  stdio: 'inherit',
  env: { ...process.env, TMPDIR: folder, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? cache },
})
// Who interrupts means the tests; what they leave behind is removed all the same.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))

child.on('exit', status => {
  const left = readdirSync(folder)
  rmSync(folder, { recursive: true, force: true })
  if (left.length > 0) console.error(`left behind in the temporary folder: ${left.join(', ')}`)
  process.exitCode = status || left.length > 0 ? 1 : 0
})
