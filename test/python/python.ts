import { spawnSync } from 'node:child_process'

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
