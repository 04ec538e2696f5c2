import { Judge, type Judged } from '../annotate/judge/ask.ts'
import { askingDefaults } from '../annotate/judge/judge.ts'
import type { Terms } from '../annotate/judge/question.ts'
import { type Dimension, readRubric } from '../annotate/judge/rubric.ts'
import { readEndpoint } from '../annotate/model-server/endpoint.ts'
import { HeadraceError } from '../errors.ts'
import type { RunReader } from '../record/run-reader.ts'
import { type Draw, type DrawnDocuments, type DrawnText, drawDocuments, readDrawn } from '../value/draw-documents.ts'
import type { ParsedArgs, Terminal } from './command.ts'
import { openNamedRun } from './find-run.ts'
import {
  type Cost,
  describeDryRun,
  describeSample,
  explainUnanswered,
  type Sampled,
  sampleJson,
} from './judge-tables.ts'
import { showParts } from './show-progress.ts'
import { formatCount, formatPlural, formatSeconds, formatShort } from './table.ts'
import { cleanName, pageWidth } from './wrap.ts'
import { writeWhole } from './write-whole.ts'

interface Order {
  readonly draw: Draw
  readonly terms: Terms
  readonly store: string
  readonly out: string
  /** The dimension that stands as `label`. */
  readonly label: number
  readonly isDry: boolean
  readonly concurrency: number
}

/** `headrace judge sample RUN`. What is wrong with an option is said before any work. */
export async function sampleLabels(input: string, args: ParsedArgs, terminal: Terminal): Promise<void> {
  const order = readOrder(args)
  const judge = await openJudge(order, args)
  await using run = await openNamedRun(args.text('dir') ?? '.headrace', input)
  const drawn = await drawDocuments(run, order.draw)
  if (drawn.documents.length === 0)
    throw new HeadraceError('bad-option', `${run.dir} has no kept document to draw, as far as it has decided`)
  const isJson = args.flag('json')
  if (order.isDry) {
    const cost = await estimate(run, drawn, judge)
    terminal.out.write(
      isJson
        ? `${JSON.stringify({ ...cost, store: judge.store.path, spent: judge.store.spent })}\n`
        : describeDryRun(drawn, order.draw, cost, judge, pageWidth(terminal)),
    )
    return
  }
  const { err } = terminal
  const sampled = await judgeAll(run, drawn, judge, order, { out: isJson ? err : terminal.out, err })
  const about = {
    drawn,
    sampled,
    judge,
    by: order.draw.by,
    out: order.out,
    label: order.terms.rubric.dimensions[order.label],
  }
  terminal.out.write(isJson ? `${JSON.stringify(sampleJson(about))}\n` : describeSample(about, pageWidth(terminal)))
}

function readOrder(args: ParsedArgs): Order {
  const needed = (name: string) => {
    const given = args.text(name)
    if (given) return given
    throw refuse(`--${name} is missing`)
  }
  const isDry = args.flag('dry-run')
  const rubric = readRubric(needed('rubric'))
  const names = rubric.dimensions.map(({ name }) => name)
  const label = names.indexOf(args.text('label') ?? names[0])
  if (label < 0) throw refuse(`--label is '${cleanName(args.text('label')!)}', and the rubric has ${names.join(', ')}`)
  return {
    draw: readDraw(args),
    terms: {
      rubric,
      model: needed('model'),
      charactersMax: args.count('characters', askingDefaults.charactersMax),
      answerTokensMax: askingDefaults.answerTokensMax,
    },
    store: args.text('store') ?? '.headrace-judged',
    out: isDry ? '' : needed('out'),
    label,
    isDry,
    concurrency: args.count('concurrency', askingDefaults.concurrency, 1, 1024),
  }
}

function readDraw(args: ParsedArgs): Draw {
  const given = args.text('per') ?? 'domain=200'
  const found = /^(domain|language|domain,language)=([1-9]\d{0,6})$/.exec(given)
  if (!found) throw refuse(`--per is '${cleanName(given)}': it takes domain=200, language=200 or domain,language=50`)
  const by = found[1].split(',') as ('domain' | 'language')[]
  return { by, perGroup: Number(found[2]), seed: args.count('seed', 0, 0, 2 ** 32 - 1) }
}

/** The judge that options name. Throws `bad-option` before anything is asked. */
export function openJudge(
  { terms, store, concurrency, isDry }: Pick<Order, 'terms' | 'store' | 'concurrency' | 'isDry'>,
  args: ParsedArgs,
  who = 'judge',
): Promise<Judge> {
  const url = args.text('endpoint')
  if (url === undefined && !isDry)
    throw new HeadraceError('bad-option', `--endpoint is missing. See: headrace ${who} --help`)
  const given = {
    endpoint: url ?? '',
    keyFrom: args.text('key-from'),
    timeoutSeconds: args.count('timeout', 120, 1, 3600),
  }
  return Judge.open(store, terms, {
    endpoint: isDry ? null : readEndpoint(`headrace ${who}`, 'chat/completions', given),
    budget: {
      requests: args.count('budget-requests', Number.MAX_SAFE_INTEGER, 0),
      tokens: args.count('budget-tokens', Number.MAX_SAFE_INTEGER, 0),
    },
    concurrency,
    triesMax: askingDefaults.tries,
    invalidMax: askingDefaults.invalidTries,
    documentMs: 4 * given.timeoutSeconds * 1000,
    pauseMs: 500,
  })
}

async function estimate(run: RunReader, { documents }: DrawnDocuments, judge: Judge): Promise<Cost> {
  let [stored, cut, bytes, tokensMax] = [0, 0, 0, 0]
  for await (const { text } of readDrawn(run, documents)) {
    const question = judge.writer.write(text)
    if (question.isCut) cut++
    if (judge.store.find(question.key)) stored++
    else {
      bytes += Buffer.byteLength(question.body)
      tokensMax += question.tokensMax
    }
  }
  return { documents: documents.length, stored, cut, tokens: Math.round(bytes / 4), tokensMax }
}

/** Judges all, and writes the labels of those that were answered, in the order in which they were drawn. */
async function judgeAll(
  run: RunReader,
  { documents }: DrawnDocuments,
  judge: Judge,
  order: Order,
  { out, err }: Pick<Terminal, 'out' | 'err'>,
): Promise<Sampled> {
  const sampled: Sampled = { judged: 0, answered: 0, cut: 0, unanswered: new Map(), labels: new Map() }
  const progress = showParts(seconds => describeProgress(sampled, documents.length, judge, seconds), out, err)
  const { dimensions } = order.terms.rubric
  async function* lines(): AsyncGenerator<string> {
    for await (const [document, judged] of judgeInOrder(readDrawn(run, documents), judge, 4 * order.concurrency)) {
      count(sampled, document, judged, order)
      if (judged.values) yield `${JSON.stringify(labelOf(document, judged, dimensions, order.label))}\n`
    }
    if (sampled.answered === 0) throw refuseEmpty(sampled)
  }
  try {
    await writeWhole(order.out, lines())
  } finally {
    progress.stop()
  }
  return sampled
}

function refuseEmpty({ judged, unanswered }: Sampled): HeadraceError {
  const reasons = [...unanswered].map(([why, count]) => `${formatCount(count)}: ${explainUnanswered(why)}`)
  return new HeadraceError(
    'limit',
    `none of ${formatPlural(judged, 'document')} has an answer, and nothing was written. ${reasons.join('. ')}`,
  )
}

/** Reads ahead of what was answered, so that the judge has something to do; never more than `ahead` texts. */
async function* judgeInOrder(
  texts: AsyncIterable<DrawnText>,
  judge: Judge,
  ahead: number,
): AsyncGenerator<readonly [DrawnText, Judged]> {
  const open: Promise<readonly [DrawnText, Judged]>[] = []
  for await (const text of texts) {
    const judged = judge.judge(text.text).then(answer => [text, answer] as const)
    // It is looked at in its turn.
    judged.catch(() => {})
    open.push(judged)
    if (open.length === ahead) yield await open.shift()!
  }
  for (const judged of open) yield await judged
}

function count(sampled: Sampled, { domain, language }: DrawnText, { values, unanswered, isCut }: Judged, order: Order) {
  sampled.judged++
  if (isCut) sampled.cut++
  if (!values) {
    sampled.unanswered.set(unanswered, (sampled.unanswered.get(unanswered) ?? 0) + 1)
    return
  }
  sampled.answered++
  const group = JSON.stringify(order.draw.by.map(column => (column === 'domain' ? domain : language)))
  const labels = sampled.labels.get(group) ?? new Map<string, number>()
  sampled.labels.set(group, labels)
  const label = String(values[order.label])
  labels.set(label, (labels.get(label) ?? 0) + 1)
}

/** A line of labels, as `headrace classifier fit --labels` takes it. */
function labelOf(
  { id, text, url, domain, language }: DrawnText,
  { values, isCut }: Judged,
  dimensions: readonly Dimension[],
  label: number,
): object {
  return {
    id,
    text,
    ...(url && { url }),
    source: domain,
    ...(language && { language }),
    label: values![label],
    ...Object.fromEntries(dimensions.map(({ name }, i) => [name, values![i]])),
    ...(isCut && { cut: true }),
  }
}

function describeProgress({ judged, answered }: Sampled, documents: number, { store, reused }: Judge, seconds: number) {
  const left = judged > 0 ? ((documents - judged) * seconds) / judged : 0
  return [
    { rank: 0, text: `${formatCount(judged)} of ${formatPlural(documents, 'document')}` },
    { rank: 1, text: `${formatCount(answered)} answered, ${formatCount(reused)} of them before` },
    {
      rank: 2,
      text: `${formatPlural(store.spent.requests, 'request')} and ${formatShort(store.spent.tokens)} tokens so far`,
    },
    { rank: 3, text: left > 0 ? `${formatSeconds(left)} left` : '' },
  ].filter(part => part.text !== '')
}

function refuse(what: string): HeadraceError {
  return new HeadraceError('bad-option', `${what}. See: headrace judge --help`)
}
