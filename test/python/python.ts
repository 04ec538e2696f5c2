import { spawnSync } from 'node:child_process'

/** The Python that tests use: `PYTHON`, or `python3`. */
export const python = process.env.PYTHON ?? 'python3'

/**
 * Why a test that needs these modules is skipped, or false when it can run. With `PYTHON_REQUIRED` set, as in CI, a missing module is a
 * failure instead.
 */
export function skipWithout(...modules: string[]): string | false {
  const { status } = spawnSync(python, ['-c', `import ${modules.join(', ')}`])
  if (status === 0) return false
  const reason = `${python} has no ${modules.join(', ')}: set PYTHON to one that has`
  if (process.env.PYTHON_REQUIRED) throw new Error(reason)
  return reason
}
