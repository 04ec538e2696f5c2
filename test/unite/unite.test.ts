import { test } from 'node:test'
import { checkCase, drawCase } from './property.ts'

/** Many where time is nobody's. */
const casesMax = Number(process.env.CASES ?? (process.env.CI ? 40 : 2))

test('over runs, maps, joins and kills: nothing twice, nothing lost, and each document that is left out is named', async () => {
  let seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)
  for (let cases = 0; cases < casesMax; seed++) {
    const done = await checkCase(await drawCase(seed)).catch(error => {
      throw new Error(`seed ${seed}: ${error.message}`, { cause: error })
    })
    if (done.steps > 0 && done.leftOut > 0) cases++
  }
})
