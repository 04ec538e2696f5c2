import type { JoinedRun } from '../feed/plan/join.ts'
import type { CopyLine } from '../unite/copies.ts'
import { explainDocument, type FedDocument, type LeftOutDocument } from '../unite/explain.ts'
import type { Selection } from '../unite/select.ts'
import type { Union } from '../unite/union.ts'
import type { United } from '../unite/unite.ts'
import type { Terminal } from './command.ts'
import { formatCount, formatPlural, formatShare, formatTable } from './table.ts'
import { cleanName, cleanPath, pageWidth, wrapText } from './wrap.ts'

/** Rows of domains that are shown. */
const domainsMax = 40

/** What `headrace unite` has done. */
export function showUnited({ union, selections, going }: United, isJson: boolean, terminal: Terminal): void {
  const { head, runs } = union
  if (isJson) {
    const { feed, steps, ended } = head
    const joined = selections?.map(({ domains }, i) => ({ ...runs.at(i - selections.length)!, domains })) ?? []
    terminal.out.write(
      `${JSON.stringify({ home: union.home, feed, steps, ended, recorded: selections !== null, runs, joined, going })}\n`,
    )
    return
  }
  const write = (text: string) => terminal.out.write(text)
  const tell = (text: string) => write(`${wrapText(text, pageWidth(terminal)).join('\n')}\n`)
  const what = selections === null ? 'goes on as it was recorded' : `${formatPlural(selections.length, 'run')} joined`
  write(`${cleanPath(union.home)}: ${what}\n\n${formatTable(runTable(union))}`)
  if (selections) write(`\n${domainTable(runs.slice(-selections.length), selections)}`)
  tell(`\n${describeSteps(union)}`)
  for (const dir of going)
    tell(
      `${cleanPath(dir)} has not ended: headrace unite ${cleanPath(union.home)} --add ${cleanPath(dir)} takes in what it seals from now on.`,
    )
  write(`headrace feed ${cleanPath(union.home)}\n`)
}

function runTable({ joins }: Union): string[][] {
  const head = ['run', 'from step', 'shards', 'documents', 'tokens', 'left out', 'tokens']
  const rows = joins.flatMap(({ step, join: { runs } }) =>
    runs.map(({ run, shards: [from, to], fed, leftOut }) => {
      const amounts = [fed.documents, fed.tokens, leftOut.documents, leftOut.tokens]
      return [cleanPath(run), formatCount(step), formatCount(to - from), ...amounts.map(count => formatCount(count))]
    }),
  )
  return [head, ...rows]
}

function domainTable(runs: readonly JoinedRun[], selections: readonly Selection[]): string {
  const all = selections.flatMap(({ domains }, i) => domains.map(domain => ({ run: runs[i].run, ...domain })))
  const head = ['domain', 'of', 'documents', 'tokens', 'left out', '']
  const rows = all.slice(0, domainsMax).map(({ run, domain, fed, leftOut }) => {
    const share = formatShare(leftOut.documents, fed.documents + leftOut.documents)
    return [
      cleanName(domain) || '(none)',
      cleanPath(run),
      formatCount(fed.documents),
      formatCount(fed.tokens),
      formatCount(leftOut.documents),
      share,
    ]
  })
  const more =
    all.length > domainsMax ? `and ${formatPlural(all.length - domainsMax, 'row')} more: --json has all\n` : ''
  return `${formatTable([head, ...rows], [0, 1])}${more}`
}

function describeSteps({ head, home, joins }: Union): string {
  const { duplicates, deciders } = joins[0].join
  const by = deciders.map(({ name }) => name).join(' and ')
  const rule =
    duplicates === 'keep' ? 'What is in several runs is fed several times.' : `Duplicates were decided by ${by}.`
  const end = head.ended ? 'it has ended' : `headrace unite ${cleanPath(home)} plans it on`
  return `${rule} The feed has ${formatPlural(head.steps, 'step')}; ${end}.`
}

/** Copies of a document that are shown to people. */
const copiesMax = 20

/** `--document`: what became of the documents of an id. */
export async function showDocument(union: Union, id: string, isJson: boolean, terminal: Terminal): Promise<number> {
  const story = await explainDocument(union, id)
  const { fed, leftOut, repeatedBy, repeats } = story
  if (isJson) {
    terminal.out.write(`${JSON.stringify({ document: id, runs: union.runs.map(({ run }) => run), ...story })}\n`)
    return fed.length + leftOut.length > 0 ? 0 : 66
  }
  const lines = [
    ...fed.map(document => describeFed(union, document)),
    ...leftOut.map(copy => describeLeftOut(union, copy)),
    ...repeatedBy
      .slice(0, copiesMax)
      .map(copy => `  repeated by ${placeOf(union, copy)} '${cleanName(copy.id, 100)}', ${describeLikeness(copy)}`),
    ...(repeats > copiesMax ? [`  and by ${formatCount(repeats - copiesMax)} more`] : []),
  ]
  if (lines.length === 0) {
    terminal.err.write(
      `headrace unite: no run of ${cleanPath(union.home)} has kept a document '${cleanName(id, 100)}': headrace trace says what a run made of it\n`,
    )
    return 66
  }
  terminal.out.write(`${cleanName(id, 300)}\n${lines.map(line => `${line}\n`).join('')}`)
  return 0
}

function describeFed(union: Union, document: FedDocument): string {
  const { domain, feedSlot, tokens } = document
  return `  fed in ${cleanName(domain) || '(none)'}: ${placeOf(union, document)}, slot ${feedSlot} of the feed, ${formatPlural(tokens, 'token')}`
}

function describeLeftOut(union: Union, copy: LeftOutDocument): string {
  const original = `${placeOf(union, copy.of)}${copy.ofId === null ? '' : ` '${cleanName(copy.ofId, 100)}'`}`
  return `  left out of ${cleanName(copy.domain) || '(none)'}: ${placeOf(union, copy)} repeats ${original}, ${describeLikeness(copy)}`
}

const describeLikeness = ({ reason, similarity }: CopyLine) =>
  similarity === 1 ? reason : `${reason} (${similarity.toFixed(2)})`

function placeOf(
  { runs }: Union,
  { run, slot, row }: { readonly run: number; readonly slot: number; readonly row: number },
): string {
  return `${cleanPath(runs[run].run)}, slot ${slot}, row ${row}`
}
