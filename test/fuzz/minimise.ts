import { type Case, runCase, type Subject } from './target.ts'

const triesMax = 400
const msMax = 10_000

/** The smallest input found that fails with the same message: ranges are taken out as long as it does. */
export async function minimise(subject: Subject, one: Case, error: Error): Promise<Case> {
  const wanted = describe(error)
  let { bytes } = one
  let tries = 0
  const start = performance.now()
  const fails = async (candidate: Buffer) => {
    tries++
    return runCase(subject, { ...one, bytes: candidate }).then(
      () => false,
      (found: Error) => describe(found) === wanted,
    )
  }
  for (let size = bytes.length >> 1; size >= 1; size >>= 1)
    for (let at = 0; at < bytes.length && tries < triesMax && performance.now() - start < msMax; ) {
      const without = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)])
      if (await fails(without)) bytes = without
      else at += size
    }
  return { index: one.index, bytes }
}

/** An error without its numbers, which change with the input. */
export function describe({ name, message }: Error): string {
  return `${name} ${message.split('\n')[0].replace(/\d+/g, '#').slice(0, 60)}`
}
