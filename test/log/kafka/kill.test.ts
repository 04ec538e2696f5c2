import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { HeadraceError } from '../../../src/errors.ts'
import { type KafkaOptions, parseKafkaOptions } from '../../../src/kafka/options.ts'
import { KafkaLog } from '../../../src/log/kafka/kafka-log.ts'
import { readCommitted } from '../../../src/log/log.ts'
import { Brokers } from '../../kill/kafka/brokers.ts'

// Brokers of its own, as they die: about two minutes, so only where KAFKA_KILL is 1.
const skip = process.env.KAFKA_KILL !== '1' && 'KAFKA_KILL is not 1'
const kills = 4
const partitions = 3

for (const nodes of [1, 3])
  test(`one of ${nodes} brokers, killed in the middle of commits, loses and doubles nothing`, {
    skip,
    timeout: 300_000,
  }, async () => {
    await using brokers = await Brokers.start(nodes, Number(process.env.KAFKA_KILL_PORT ?? 19492))
    await checkKills(parseKafkaOptions(brokers.directUrl), async i => {
      const node = (i % nodes) + 1
      await brokers.control('kill9', node)
      // The others take over its partitions and go on before it is back.
      if (nodes > 1) await sleep(4000)
      await brokers.control('start', node)
    })
  })

async function checkKills(options: KafkaOptions, kill: (i: number) => Promise<void>) {
  await using log = await KafkaLog.open(options, { run: 'r', inputs: { s: 's.b' } })
  await log.ensureTopics([
    { topic: 's.a', partitions },
    { topic: 's.b', partitions },
  ])
  const [stop, stopReader] = [new AbortController(), new AbortController()]
  const following = Array.fromAsync(log.read({ topic: 's.a', partition: 0, offset: 0n }, stopReader.signal))
  const committing = commitUntil(log, stop.signal)
  for (let i = 0; i < kills; i++) {
    await sleep(1500 + 200 * i)
    await kill(i)
  }
  await sleep(1500)
  stop.abort()
  const { slots, lives } = await committing
  stopReader.abort()
  for (let partition = 0; partition < partitions; partition++)
    assert.deepEqual(
      await slotsIn(log, partition),
      Array.from({ length: slots }, (_, i) => i),
      `partition ${partition}`,
    )
  assert.equal((await following).length, slots, 'a reader that was there all the time saw the same')
  assert.ok(slots > 2 * kills, `only ${slots} slots by ${lives} owners`)
}

/** Commits one slot after another, begins again as a new process would, and keeps what it was told is done. */
async function commitUntil(log: KafkaLog, signal: AbortSignal) {
  let done = 0
  for (let lives = 1; ; lives++) {
    await using owner = await log.own('s')
    let { slot } = await log.position('s', 0)
    assert.ok(slot === done || slot === done + 1, `${slot} slots after ${done} commits that were done`)
    for (; !signal.aborted; done = slot) {
      const value = Buffer.alloc(300_000, slot)
      const appends = Array.from({ length: partitions }, (_, partition) => ({
        topic: 's.a',
        partition,
        headers: { slot: `${slot}` },
        value,
      }))
      const failed = await owner
        .commit({ positions: [{ partition: 0, offset: 0n, slot: slot + 1, note: '' }], appends })
        .then(
          () => null,
          error => error,
        )
      if (failed) {
        assert.ok(failed instanceof HeadraceError && failed.retry, `${failed}`)
        break
      }
      slot++
    }
    if (signal.aborted) return { slots: slot, lives }
  }
}

async function slotsIn(log: KafkaLog, partition: number): Promise<number[]> {
  const slots: number[] = []
  for await (const { headers, value } of readCommitted(log, 's.a', partition)) {
    const slot = Number(headers.slot)
    assert.ok(value.length === 300_000 && value[0] === slot % 256, `slot ${slot} has its bytes`)
    slots.push(slot)
  }
  return slots
}
