import { join, posix } from 'node:path'
import { canonicalJson } from '../canonical-json.ts'
import { listNames, readText } from '../disk/files.ts'
import { endOf, feedId, type Head, headVersions, identityOf, rootOf } from '../feed/files/head.ts'
import { ledgerPath } from '../feed/files/ledger.ts'
import type { Step } from '../feed/files/steps.ts'
import { describeTrim, readTrim, trimmedStep } from '../feed/files/trim-file.ts'
import { type ControlEntry, changedBy } from '../feed/plan/control.ts'
import { Planner } from '../feed/plan/planner.ts'
import { StepOpener } from '../feed/plan/step-lines.ts'
import type { FeedEnd } from '../record/notes.ts'
import { BlockCheck } from './blocks.ts'
import { advices, type Check, feedAdvice, fileAt, type Where } from './check.ts'
import type { Manifest } from './shards.ts'
import { shorten } from './totals.ts'

type FeedChecks = Readonly<Record<'blocks' | 'ledger' | 'plan', Check>>

/** `head.json` and its text as they were when the verification began; `head` is null where it can't be read. */
export interface FoundHead {
  /** The feed's folder, from the run's. */
  readonly folder: string
  readonly text: string
  readonly head: Head | null
}

export async function findHead(dir: string, folder = 'feed'): Promise<FoundHead | null> {
  const text = await readText(join(dir, folder, 'head.json'))
  if (text === null) return null
  try {
    return { folder, text, head: JSON.parse(text) as Head }
  } catch {
    return { folder, text, head: null }
  }
}

/** The heads of a run's forks, by name. */
export async function findForks(dir: string): Promise<FoundHead[]> {
  const names = (await listNames(join(dir, 'forks'))).filter(name => !name.endsWith('.tmp')).sort()
  const found = await Promise.all(names.map(name => findHead(dir, `forks/${name}`).catch(() => null)))
  return found.filter(head => head !== null)
}

const headFileOf = ({ folder }: Pick<FoundHead, 'folder'>) => fileAt(`${folder}/head.json`)

/**
 * Holds the head against what the log says that the feed ended with. One that was promoted or changed since has gone on: see `verifyFeed`,
 * which holds the step that was the last one against the log.
 */
export function checkFeedEnd(
  found: FoundHead | null,
  end: FeedEnd | null,
  controls: readonly ControlEntry[],
  check: Check,
): void {
  if (!end || (controls.some(({ promote }) => promote) && found?.head)) return
  const { steps, digest } = end
  const isChanged = controls.some(entry => entry.step >= steps && changedBy(entry).length > 0)
  if (isChanged && found?.head && found.head.steps > steps) return
  const ended = `the feed ended with ${steps} steps, the log says`
  const headFile = headFileOf(found ?? { folder: 'feed' })
  if (!found) check.fail(headFile, `it is missing, and ${ended}`, feedAdvice)
  else if (found.head && (found.head.digest !== digest || found.head.steps !== steps || !found.head.ended))
    check.fail(
      headFile,
      `it has ${found.head.steps} steps up to ${shorten(String(found.head.digest))}, and ${ended}`,
      feedAdvice,
    )
}

/** A run's manifest, and the paths of shards in it whose files do not hold. */
export type FedManifest = Manifest & { readonly damaged: ReadonlySet<string> }

/** Holds the ledger, the plan and the blocks against the manifest. Returns the published steps that are whole, by number, for a sample. */
export async function verifyFeed(
  dir: string,
  found: FoundHead,
  manifest: FedManifest,
  checks: FeedChecks,
  wanted: (steps: number, first: number) => readonly number[],
): Promise<readonly Step[] | null> {
  const head = readHead(found, checks.ledger)
  if (!head) return null
  const { folder } = found
  const blocks = new BlockCheck(dir, folder, { head, damaged: manifest.damaged }, checks.blocks)
  const planner = await openPlanner(dir, folder, manifest, { head, blocks, check: checks.plan })
  const compare = new PlanCheck(manifest.isWhole ? planner : null, headFileOf(found), checks.plan)
  if (!manifest.isWhole) checks.plan.note('the steps could not be planned again, as the manifest is damaged')
  const trim = await checks.ledger.attempt(fileAt(`${folder}/trimmed.json`), advices.restore, () =>
    readTrim(join(dir, folder)),
  )
  if (trim) checks.plan.note(describeTrim(folder, trim))
  const sample = new Set(wanted(head.steps, trimmedStep(trim)))
  const steps: Step[] = []
  let digest = rootOf(head)
  const fed = folder === 'feed' ? manifest.note?.fed : null
  for await (const published of readLedger(dir, folder, head, checks.ledger)) {
    const { step } = published
    if (sample.has(step.step)) steps.push(step)
    if (step.step + 1 === fed?.steps && step.digest !== fed.digest)
      checks.ledger.fail(
        published,
        `the feed ended with it and the digest ${shorten(fed.digest)}, the log says`,
        feedAdvice,
      )
    const parted = head.forks?.find(fork => fork.step === step.step + 1 && fork.digest !== step.digest)
    if (parted)
      checks.ledger.fail(published, `its digest is not that of the feed ${parted.feed}, which it forks`, feedAdvice)
    await compare.step(published)
    digest = step.step === head.steps - 1 ? step.digest : digest
  }
  if (checks.ledger.failures === 0 && digest !== head.digest)
    checks.ledger.fail(headFileOf(found), `its digest is not that of step ${head.steps - 1}`, feedAdvice)
  await compare.end(head, manifest)
  const mayStray = !head.ended || planner?.isChanged === true
  await blocks.end(compare.isWhole, mayStray)
  return steps
}

function readHead(found: FoundHead, check: Check): Head | null {
  const { folder, text, head } = found
  const fail = (what: string) => check.fail(headFileOf(found), what, feedAdvice)
  if (head === null || !headVersions.includes(head.version) || !(head.segmentSteps > 0) || !(head.steps >= 0)) {
    fail('it is no head of a feed of this version')
    return null
  }
  if (feedId(identityOf(head)) !== head.feed) fail('its id is not that of what it says of itself')
  else if (text !== `${JSON.stringify(head, null, 2)}\n`) fail('it is not written as Headrace writes it')
  if (head.shards !== posix.relative(folder, 'shards')) fail(`it names the shards folder ${head.shards}`)
  return head
}

interface LedgerLine extends Where {
  readonly step: Step
  readonly line: string
}

/** The published steps that are whole and follow the one before. One file of them is in memory at a time. */
async function* readLedger(dir: string, folder: string, head: Head, check: Check): AsyncGenerator<LedgerLine> {
  const opener = new StepOpener(head)
  let previous: string | null = rootOf(head)
  for (let first = 0; first < head.steps; first += head.segmentSteps) {
    const file = join(folder, ledgerPath(first, head.segmentSteps))
    const text = await readText(join(dir, file))
    const lines = (text ?? '').split('\n')
    const count = Math.min(head.segmentSteps, head.steps - first)
    const isShort = lines.length - 1 < count
    if (text === null)
      check.fail(fileAt(file), `the file of steps ${first} to ${first + count - 1} is missing`, feedAdvice)
    else if (isShort) {
      const what = `the file ends before step ${first + lines.length - 1}, and the head counts ${head.steps}`
      check.fail({ file, place: `line ${lines.length}` }, what, feedAdvice)
    } else if (text.length > lines.slice(0, count).join('\n').length + 1)
      check.note(`${file}: what follows line ${count} is not published yet and is written again`)
    if (isShort) previous = null
    for (const [i, line] of lines.slice(0, Math.min(count, lines.length - 1)).entries()) {
      const where = { file, place: `line ${i + 1}` }
      check.counted++
      // Behind a damaged line, others up to the next snapshot say what changed since it: nobody knows what they are.
      const canOpen = opener.canOpen(first + i)
      const step = canOpen ? await check.attempt(where, feedAdvice, () => opener.open(line, first + i, previous)) : null
      previous = step?.digest ?? null
      if (step) yield { ...where, step, line }
    }
    if (isShort) previous = null
  }
}

interface Planning {
  readonly head: Head
  readonly blocks: BlockCheck
  readonly check: Check
}

async function openPlanner(
  dir: string,
  folder: string,
  manifest: Manifest,
  { head, blocks, check }: Planning,
): Promise<Planner | null> {
  const file = `${folder}/control.json`
  const text = (await readText(join(dir, file))) ?? '[]'
  const restore = 'restore it from a copy: the steps after its changes were planned by them'
  return check.attempt(fileAt(file), restore, () => {
    const planner = new Planner({ ...head, feed: rootOf(head) }, spec => blocks.cutBlock(spec), join(dir, folder))
    const entries: readonly ControlEntry[] = JSON.parse(text)
    for (const entry of entries) planner.control(entry)
    const forks = entries.flatMap(({ step, fork }) => (fork ? [{ ...fork, step }] : []))
    const said = (head.forks ?? []).map(({ feed, step, skip }) => ({ feed, step, skip }))
    if (canonicalJson(forks) !== canonicalJson(said))
      check.fail(fileAt(file), 'it says of forks what the head does not say', restore)
    for (const entry of manifest.entries) planner.add(entry)
    if (manifest.note?.ended) planner.end()
    return planner
  })
}

/** Plans every published step again and compares it with its line. The first that differs ends the comparison: all others follow from it. */
class PlanCheck {
  readonly #planner: Planner | null
  readonly #check: Check
  readonly #headFile: Where
  isWhole: boolean

  constructor(planner: Planner | null, headFile: Where, check: Check) {
    this.#planner = planner
    this.#headFile = headFile
    this.#check = check
    this.isWhole = planner !== null
  }

  async step(published: LedgerLine): Promise<void> {
    const { step, line } = published
    // Steps whose lines are damaged were not handed here: they are planned and passed over.
    while (this.isWhole && this.#planner!.steps < step.step) await this.#next(published)
    if (!this.isWhole) return
    const planned = await this.#next(published)
    this.#check.counted++
    if (!this.isWhole || planned?.line === line) return
    const again = planned
      ? shorten(firstDifference(JSON.parse(planned.line), JSON.parse(line)))
      : 'there is nothing to plan it from'
    this.#fail(published, `step ${step.step} is not what the manifest gives: ${again}`)
  }

  /** What was published as the end: nothing follows, and so much is left. */
  async end(head: Head, manifest: Manifest): Promise<void> {
    if (!this.isWhole || !head.ended) return
    this.#checkMixture(head)
    const headFile = this.#headFile
    const isBudget = head.endedBy === 'budget'
    const isOver = manifest.note?.ended || this.#planner!.isPromoted || isBudget
    const next = isOver ? await this.#next(headFile) : null
    if (!isOver) this.#fail(headFile, 'it says that the feed has ended, and the manifest has not')
    else if (next) this.#fail(headFile, `it says that the feed has ended, and step ${next.step.step} can be planned`)
    if (!this.isWhole) return
    const end = await endOf(this.#planner!, manifest.note?.ended ?? false)
    if ((end.endedBy === 'budget') !== isBudget)
      this.#fail(
        headFile,
        `it says that the feed has ended ${isBudget ? '' : 'not '}by its budget, and it has${isBudget ? ' not' : ''}`,
      )
    const [said, left] = [head.leftover, end.leftover].map(canonicalJson)
    if (left !== said) this.#fail(headFile, `it says that ${shorten(said)} is left, and it is ${shorten(left)}`)
  }

  /** What the head says of steps that are off the mixture. */
  #checkMixture({ ledger, offMixture, replayed = {} }: Head): void {
    const [told, again] = [replayed, this.#planner!.replayed].map(canonicalJson)
    if (told !== again)
      this.#fail(this.#headFile, `it says that ${shorten(told)} was drawn again, and it is ${shorten(again)}`)
    const [said, planned] = [offMixture ?? null, this.#planner!.offMixture].map(canonicalJson)
    if (ledger && said !== planned)
      this.#fail(
        this.#headFile,
        `it says of steps that are off the mixture ${shorten(said)}, and it is ${shorten(planned)}`,
      )
  }

  async #next(where: Where): Promise<Awaited<ReturnType<Planner['nextStep']>>> {
    const before = this.#check.failures
    const planned = await this.#check.attempt(where, advices.report, () => this.#planner!.nextStep())
    if (this.#check.failures > before) this.isWhole = false
    return planned
  }

  #fail(where: Where, what: string): void {
    this.isWhole = false
    this.#check.fail(where, what, feedAdvice)
  }
}

function firstDifference(planned: Record<string, unknown>, published: Record<string, unknown>): string {
  const names = Object.keys(planned)
  const name = names.find(one => canonicalJson(planned[one]) !== canonicalJson(published[one] ?? null)) ?? 'digest'
  return `${name} is ${canonicalJson(published[name] ?? null)} and should be ${canonicalJson(planned[name])}`
}
