#!/usr/bin/env node
// Starts Headrace on a Node that can run it: this one, or the one that the development dependency `node` brings to a clone. A clone runs
// its own TypeScript, which needs a newer Node than what the build makes of it.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import v8 from 'node:v8'
import { chooseCacheFolder } from './compile-cache.js'

const path = relative => fileURLToPath(new URL(relative, import.meta.url))
const [major, minor] = process.versions.node.split('.').map(Number)
const isClone = existsSync(path('../src/cli/main.ts'))
const [majorMin, minorMin] = isClone ? [24, 3] : [22, 18]

if (major > majorMin || (major === majorMin && minor >= minorMin)) {
  // A command starts in half the time when what was compiled before is kept. Worker threads look for it there, too.
  const cache = process.env.NODE_COMPILE_CACHE ?? chooseCacheFolder()
  if (cache !== null && module.enableCompileCache(cache).directory !== undefined) process.env.NODE_COMPILE_CACHE = cache
  dieWithLauncher()
  // This thread makes short-lived garbage only; left alone, V8 lets it grow with the input's size.
  v8.setFlagsFromString('--max-semi-space-size=8')
  const { main } = await import(isClone ? '../src/cli/main.ts' : '../dist/src/cli/main.js')
  process.exitCode = await main(process.argv.slice(2))
} else {
  const newer = path('../node_modules/node/bin/node')
  if (!existsSync(newer)) {
    console.error(
      `headrace needs Node ${majorMin}.${minorMin} or later, and this is ${process.version}: install a newer Node`,
    )
    process.exit(69)
  }
  launch(newer)
}

/** Runs the same command on another Node. The two live and die together: each ends when the other does, whatever ended it. */
function launch(node) {
  const stdio = ['inherit', 'inherit', 'inherit', 'ipc']
  const env = { ...process.env, HEADRACE_LAUNCHED: '1' }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio, env })
  // Whoever signals this process means the child, which decides when to end.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2'])
    process.on(signal, () => child.kill(signal))
  child.on('error', error => {
    console.error(`headrace can't start ${node}: ${error.message}`)
    process.exit(69)
  })
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}

/** A launcher that is gone, killed in a way that it could not pass on, takes this process along: its channel is closed. */
function dieWithLauncher() {
  const isLaunched = process.env.HEADRACE_LAUNCHED !== undefined && process.channel != null
  delete process.env.HEADRACE_LAUNCHED
  if (!isLaunched) return
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  process.channel.unref()
}
