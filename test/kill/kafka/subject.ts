import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { makeSubject, runName, type Subject } from '../life.ts'
import type { Orders } from '../orders.ts'
import { requestTimeoutMs, transactionTimeoutMs } from './choose.ts'

/** Mistakes that the harness must find, each planted in the source of one module of the runs. */
export const mutants: Readonly<Record<string, NonNullable<Orders['plant']>>> = {
  'two-transactions': {
    module: 'log/kafka/owner.ts',
    from: 'await this.#run(writes, this.#group(commit.positions), state.commit)',
    to: `await this.#run(writes.slice(1), null, '')
      await this.#run(writes.slice(0, 1), this.#group(commit.positions), state.commit)`,
  },
  'reads-uncommitted': {
    module: 'kafka/fetch.ts',
    from: '[waitMs, 1, bytesMax, 1, 0,',
    to: '[waitMs, 1, bytesMax, 0, 0,',
  },
  'does-not-fence': {
    module: 'log/kafka/owner.ts',
    from: 'names.transaction(given)',
    to: "names.transaction(given) + '/' + process.pid",
  },
  'guesses-the-end': {
    module: 'log/kafka/owner.ts',
    from: 'if (wasEnding &&',
    to: 'if (!wasEnding &&',
  },
}

/** Of FineWeb's recipe what is quick to load, without the language gate, so that many rows are kept and many shards sealed. */
const pipelineText = `import * as h from 'headrace'
export default h.pipeline('${runName}')
  .from(h.jsonl('replaced by --input', { domain: 'source' }))
  .annotate(h.normalize(), h.gopherRepetition(), h.gopherQuality(), h.c4({ terminalMark: false }), h.finewebQuality())
  .annotate(h.signature(), h.maskPii())
  .decide(h.rules(), h.exactDuplicates(), h.nearDuplicates(), h.holdout({ rate: 0.05 }))
  .tokenize('gpt2')
  .feed({ length: 128, batch: 4, blockTokens: 20_000 })
`

/** The subject of test/kill with another pipeline, over files of ours, and the file of client properties that goes with it. */
export async function makeKafkaSubject(seed: number, input: readonly string[], mutant: string | undefined) {
  const plain = await makeSubject({ seed, input })
  const pipeline = join(dirname(plain.pipeline), 'kafka-pipeline.ts')
  const logConfig = join(dirname(plain.pipeline), 'client.properties')
  await writeFile(pipeline, pipelineText)
  const properties = [
    `transaction.timeout.ms=${transactionTimeoutMs}`,
    `request.timeout.ms=${requestTimeoutMs}`,
    'delivery.timeout.ms=60000',
  ]
  await writeFile(logConfig, `${properties.join('\n')}\n`)
  const subject: Subject = { ...plain, pipeline }
  const plant = mutant === undefined ? null : mutants[mutant]
  return { undisturbed: subject, disturbed: { ...subject, plant }, logConfig }
}
