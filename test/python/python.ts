import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

/** The Python that tests use: `PYTHON`, or `python3`. */
export const python = process.env.PYTHON ?? 'python3'

/**
 * Why a test that needs these modules is skipped, or false when it can run. With `PYTHON_REQUIRED` set, as in CI, a missing module is a
 * failure instead.
 */
export function skipWithout(...modules: string[]): string | false {
  return skipUnless(`import ${modules.join(', ')}`, modules)
}

/** The same by looking whether they are installed: some take ten seconds to import, or import only in parts. */
export function skipWithoutPackages(...modules: string[]): string | false {
  const missing = `[name for name in ${JSON.stringify(modules)} if find_spec(name) is None]`
  return skipUnless(`from importlib.util import find_spec; import sys; sys.exit(len(${missing}))`, modules)
}

function skipUnless(code: string, modules: readonly string[]): string | false {
  const { status } = spawnSync(python, ['-c', code])
  if (status === 0) return false
  const reason = `${python} has no ${modules.join(', ')}: set PYTHON to one that has`
  if (process.env.PYTHON_REQUIRED) throw new Error(reason)
  return reason
}

/** The package, as it lies here. */
export const sources = join(import.meta.dirname, '..', '..', 'python')
const installed = process.env.HEADRACE_INSTALLED === '1'

/** What a program of Python prints, which must succeed. With `HEADRACE_INSTALLED=1` it has the package that is installed. */
export function runPython(args: readonly string[]): string {
  const env = { ...process.env, OMP_NUM_THREADS: '1', ...(installed ? {} : { PYTHONPATH: sources }) }
  const { status, signal, stdout, stderr } = spawnSync(python, args, { encoding: 'utf8', env, maxBuffer: 2 ** 26 })
  assert.equal(status ?? signal, 0, stderr)
  return stdout
}

/** The lines that a training prints of its steps, on so many ranks: one begins it as torchrun does, which a program without ranks needs not. */
export function trainOn(ranks: number, args: readonly string[]): string[] {
  const launch = ['-m', 'torch.distributed.run', '--standalone', '--nproc-per-node', String(ranks)]
  const lines = runPython([...(ranks === 1 ? [] : launch), ...args]).split('\n')
  return lines.filter(line => line.startsWith('step '))
}
