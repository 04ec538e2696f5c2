import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { lockDirectory } from '../../../src/disk/lock.ts'
import { HeadraceError } from '../../../src/errors.ts'
import { RunReader } from '../../../src/record/run-reader.ts'
import type { Target } from '../target.ts'

const json = (value: unknown) => Buffer.from(`${JSON.stringify(value, null, 2)}\n`)
const fingerprint = 'a'.repeat(64)
const run = {
  ...{ version: 1, pipeline: 'quickstart', module: 'file:///quickstart.ts', input: ['a.jsonl'], source: 'jsonl' },
  ...{ partitions: 1, lanes: 4, log: null, logConfig: null, slotBytes: 524288 },
  segments: [{ from: 0, annotate: fingerprint, decide: fingerprint, shard: fingerprint, state: fingerprint }],
  ...{ feed: { length: 2048, batch: 16 }, tokenizer: { encoding: 'gpt2' } },
}

/** `run.json`: a typed error, or a run that can be read. */
export const runFileTarget: Target = {
  name: 'run-file',
  cases: 150,
  async open(dir) {
    return {
      files: [{ name: 'run.json', bytes: json(run) }],
      async check(bytes) {
        writeFileSync(join(dir, 'run.json'), bytes)
        await using reader = await RunReader.open(dir)
        for await (const _ of reader.slots()) assert.fail('a run without a log has a slot')
        return 'a run'
      },
    }
  },
}

const dead = { pid: 2 ** 22 + 1, started: '1', host: hostname() }
const holders = [dead, { ...dead, pid: process.pid, started: '' }, { ...dead, host: 'elsewhere' }]

/** The lock file: the folder is taken over, or is in use. */
export const lockTarget: Target = {
  name: 'lock',
  cases: 80,
  async open(dir) {
    return {
      files: holders.map((holder, i) => ({ name: String(i), bytes: Buffer.from(JSON.stringify(holder)) })),
      async check(bytes) {
        mkdirSync(dir, { recursive: true })
        writeFileSync(join(dir, 'lock'), bytes)
        try {
          await using _lock = await lockDirectory(dir)
          return 'taken over'
        } catch (error) {
          if (error instanceof HeadraceError && error.code === 'locked') return 'in use'
          throw error
        }
      },
    }
  },
}
