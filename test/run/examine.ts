import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { makeFolder } from '../temporary.ts'

const folder = join(import.meta.dirname, '..', '..', 'src', 'run')
/** How long a check of a module with a mistake may take until that counts as caught. */
const hangMs = 300

type Body<Module> = (module: Module, t: TestContext) => void | Promise<void>

/**
 * Tests of one module of runs. `check` is a test of it as it is; `mutate` one that the check of that name fails for the module with
 * a mistake, where `wrong` stands for `right`. All else that the module imports is as it is.
 */
export function examine<Module>(file: string) {
  const checks = new Map<string, Body<Module>>()
  const path = join(folder, file)
  const check = (name: string, body: Body<Module>) => {
    checks.set(name, body)
    test(name, async t => body(await import(pathToFileURL(path).href), t))
  }
  const mutate = (pattern: RegExp, mistake: string, right: string, wrong: string) => {
    test(`it is caught when ${mistake}`, async t => {
      const found = [...checks].filter(([name]) => pattern.test(name))
      assert.equal(found.length, 1, `${pattern} is not the name of one check`)
      const [[, body]] = found
      const module = await loadBroken<Module>(path, right, wrong)
      const { promise, reject } = Promise.withResolvers<never>()
      const timer = setTimeout(() => reject(new Error('it hangs')), hangMs)
      await assert.rejects(Promise.race([(async () => body(module, t))(), promise]))
      clearTimeout(timer)
    })
  }
  return { check, mutate }
}

async function loadBroken<Module>(path: string, right: string, wrong: string): Promise<Module> {
  const text = await readFile(path, 'utf8')
  assert.equal(text.split(right).length, 2, `'${right}' stands once in ${basename(path)}`)
  const dir = makeFolder('broken')
  const broken = join(dir, basename(path).replace('.ts', '.mts'))
  const code = text.replace(right, () => wrong)
  const whole = code.replaceAll(/from '(\.[^']+)'/g, (_, other) => `from '${new URL(other, pathToFileURL(path))}'`)
  await writeFile(broken, whole)
  try {
    return await import(pathToFileURL(broken).href)
  } finally {
    await rm(dir, { recursive: true })
  }
}
