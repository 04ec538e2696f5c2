import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { density } from '../../../src/annotate/quality/density.ts'
import { MemoryLog } from '../../../src/log/memory/memory-log.ts'
import { pipeline, rules } from '../../../src/pipeline/pipeline.ts'
import { type Plan, planPipeline } from '../../../src/pipeline/plan.ts'
import { bindingOf, bindNote } from '../../../src/record/binding.ts'
import { readRunFile } from '../../../src/record/run-file.ts'
import { admitNow, enterRun } from '../../../src/run/admit.ts'
import { jsonl } from '../../../src/sources/files/jsonl.ts'
import { randomFrom } from '../../random.ts'
import { makeFolder } from '../../temporary.ts'
import { examine } from '../examine.ts'

type Upgrade = typeof import('../../../src/run/spread/upgrade.ts')
const { check, mutate } = examine<Upgrade>('spread/upgrade.ts')

const planWith = (below: number) =>
  planPipeline(
    pipeline('p')
      .from(jsonl('none'))
      .annotate(density())
      .decide(rules({ wordEntropy: { below } })),
  )
const [before, after] = [planWith(1), planWith(2)]
const ref = { loader: '', module: 'file:///pipeline.ts', input: [], follow: false }
const place = { log: 'kafka://a:1', logConfig: null, partitions: 1, lanes: 1, spread: true }
const startOf = (dir: string, plan: Plan) => ({ dir, plan, ref, place })
const stages = ['load', 'decide', 'shard']

/** More slots than any test decides: each stage finds those that it takes. */
const slotsLoaded = 1_000_000

/** A run of which much is loaded and measured, and nothing decided. */
async function begin(): Promise<{ dir: string; log: MemoryLog; note: string }> {
  const dir = makeFolder('upgrade')
  const log = new MemoryLog()
  const start = startOf(dir, before)
  const note = bindNote('', bindingOf(await enterRun(start, await admitNow(start, log, false))))
  for (const stage of ['load', 'annotate']) {
    await using owner = await log.own(stage)
    await owner.commit({ positions: [{ partition: 0, offset: 0n, slot: slotsLoaded, note }], appends: [] })
  }
  return { dir, log, note }
}

/** A turn at a stage, as a process of the old pipeline takes one: a commit for each turn of `work`, while it may. */
async function own({ checkUpgraded }: Upgrade, run: Awaited<ReturnType<typeof begin>>, stage: string, commits: number) {
  await using owner = await run.log.own(stage)
  await checkUpgraded(startOf(run.dir, before))
  for (let n = 0; n < commits; n++) {
    const { slot } = await run.log.position(stage, 0)
    await owner.commit({ positions: [{ partition: 0, offset: 0n, slot: slot + 1, note: run.note }], appends: [] })
    await new Promise(resolve => setImmediate(resolve))
  }
}

const codeOf = (error: unknown) => (error as { code?: string }).code ?? 'none'

check(
  'whoever takes a stage while a pipeline changes decides nothing with the old one from its slot on',
  async module => {
    const seed = 7
    const random = randomFrom(seed)
    for (let round = 0; round < 20; round++) {
      const run = await begin()
      const codes: string[] = []
      let isOver = false
      const members = stages.flatMap(stage => [0, 1].map(() => workOn(stage)))
      async function workOn(stage: string): Promise<void> {
        while (!isOver) {
          await own(module, run, stage, Math.ceil(random() * 3)).catch(error => codes.push(codeOf(error)))
          await new Promise(resolve => setImmediate(resolve))
        }
      }
      // A change before the first slot is decided stands in the place of the old pipeline, and not behind it.
      while ((await run.log.position('decide', 0)).slot === 0) await new Promise(resolve => setImmediate(resolve))
      for (let turns = random() * 20; turns > 0; turns--) await new Promise(resolve => setImmediate(resolve))
      const { segments } = await module.upgradeRun(startOf(run.dir, after), run.log)
      for (let turns = 0; turns < 20; turns++) await new Promise(resolve => setImmediate(resolve))
      isOver = true
      await Promise.all(members)
      const { slot } = await run.log.position('decide', 0)
      assert.deepEqual([segments.length, segments.at(-1)!.decide], [2, after.decideFingerprint], `seed ${seed}`)
      assert.equal(slot, segments.at(-1)!.from, `seed ${seed}, round ${round}: the old pipeline decided on`)
      assert.deepEqual([...new Set(codes)].sort(), ['bad-pipeline', 'fenced'])
    }
  },
)

check('a stage that is taken while the slot of a change is chosen is given back', async module => {
  const run = await begin()
  const codes: string[] = []
  class TakenLog extends MemoryLog {
    override async position(stage: string, partition: number) {
      const position = await super.position(stage, partition)
      await own(module, { ...run, log: this }, stage, 0).catch(error => codes.push(codeOf(error)))
      return position
    }
  }
  await module.upgradeRun(startOf(run.dir, after), new TakenLog())
  assert.ok(codes.length > 0)
  assert.deepEqual(new Set(codes), new Set(['fenced']))
})

check('an owner from before the change has lost each ordered stage', async ({ upgradeRun }) => {
  const { dir, log } = await begin()
  const owners = await Promise.all(stages.map(stage => log.own(stage)))
  await upgradeRun(startOf(dir, after), log)
  const positions = [{ partition: 0, offset: 0n, slot: 1, note: '' }]
  for (const owner of owners) await assert.rejects(owner.commit({ positions, appends: [] }), { code: 'fenced' })
})

check('a change that is refused leaves the run as it was', async ({ upgradeRun, checkUpgraded }) => {
  const { dir, log } = await begin()
  const was = await readFile(join(dir, 'run.json'), 'utf8')
  const other: Plan = { ...after, feed: { length: 1 } as unknown as Plan['feed'] }
  await assert.rejects(upgradeRun(startOf(dir, other), log), { code: 'bad-pipeline' })
  assert.equal(await readFile(join(dir, 'run.json'), 'utf8'), was)
  await checkUpgraded(startOf(dir, before))
})

check('the mark of an upgrade that died holds the stages until the next process begins', async module => {
  const run = await begin()
  await writeFile(join(run.dir, 'upgrading'), '')
  await assert.rejects(own(module, run, 'decide', 1), { code: 'fenced', message: /upgrading is there/ })
  await module.endUpgrade(run.dir)
  await own(module, run, 'decide', 1)
  assert.deepEqual((await readRunFile(run.dir))!.segments.length, 1)
})

const fencing = 'for (const stage of orderedStages) await (await log.own(stage))[Symbol.asyncDispose]()'
mutate(/while the slot/, 'no mark is left', 'await writeDurably(markOf(start.dir), [])', '')
mutate(/while the slot/, 'nobody looks for the mark', 'if (existsSync(mark))', 'if (false)')
mutate(/while a pipeline changes/, 'the mark stays', 'await rm(markOf(dir), { force: true })', '')
mutate(/from before the change/, 'no stage is taken', fencing, '')
mutate(/from before the change/, 'shards are made on', "['load', 'decide', 'shard']", "['load', 'decide']")
mutate(/is refused/, 'the mark of a refused change stays', '} finally {', '} catch {')
mutate(/that died/, 'a mark holds nobody', 'if (existsSync(mark))', 'if (false)')
