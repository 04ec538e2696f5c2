import { mkdir } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { readText } from '../disk/files.ts'
import { writeJson } from '../disk/json-file.ts'
import { HeadraceError } from '../errors.ts'
import type { RunReader } from '../record/run-reader.ts'
import { type Deficit, type Deficits, describeHeld, type FittedDomain, findDeficits } from '../value/deficits.ts'
import { parseTargets, type Targets } from '../value/targets.ts'
import type { Kept } from '../value/thresholds.ts'
import { type Command, runOptions, type Terminal } from './command.ts'
import { openNamedRun } from './find-run.ts'
import { formatCount, formatPlural, formatShare, formatShort, formatTable } from './table.ts'
import { cleanName, pageWidth, wrapText } from './wrap.ts'

export const deficitsCommand: Command = {
  name: 'deficits',
  usage: 'RUN',
  summary: 'Shows what a run lacks of the tokens that are wanted of each kind of text, and the mixture that fits.',
  details:
    'Nothing of the run is written. RUN is a run\'s name or folder. Counted are the documents that it keeps, as far as it has decided; each is of the first target whose conditions it meets. Targets are JSON: { "tokens": 1e9, "repeatMax": 4, "targets": [{ "name": "mathematics", "where": { "class:topic": ["mathematics", "logic"], "seed:mathRank": { "from": 0.5 } }, "share": 0.3 }, { "name": "the rest", "where": {}, "share": 0.7 }] }. Each target has a share of tokens, or all have tokens of their own. docs/targets.json is one to start from, and docs/value.md says more.',
  options: {
    dir: runOptions.dir,
    targets: { value: 'FILE', help: 'what is wanted (required)' },
    out: { value: 'FILE', help: 'where to write the mixture, as JSON that .feed({ mixture }) takes' },
    json: { help: 'prints one line of JSON' },
  },
  run: async (args, terminal) => {
    const [file, out] = [args.text('targets'), args.text('out')]
    if (!file) throw refuse('--targets is missing: it takes a file of targets, as docs/targets.json')
    if (out === '') throw refuse('--out is empty: it takes a file')
    const text = await readText(file)
    if (text === null)
      throw new HeadraceError('not-found', `there is no file ${file}: --targets takes a file of targets`)
    const targets = parseTargets(text, file)
    await using run = await openNamedRun(args.text('dir') ?? '.headrace', args.positionals[0])
    const found = await findDeficits(run, targets)
    if (out !== undefined) {
      await mkdir(dirname(resolve(out)), { recursive: true })
      await writeJson(out, mixtureOf(found))
    }
    if (args.flag('json')) terminal.out.write(`${JSON.stringify(deficitsJson(run, targets, found))}\n`)
    else describe(run, targets, found, out ?? null, terminal)
    return undefined
  },
}

/** Weights as people read them: what is cut off is less than a millionth of a domain. */
const roundWeight = (weight: number) => +weight.toPrecision(6)

/** `Object.fromEntries` defines what it is given, so that no domain's name is more than a name. */
const mixtureOf = ({ mixture }: Deficits) =>
  Object.fromEntries(mixture.map(({ domain, weight }) => [domain, roundWeight(weight)]))

function deficitsJson({ dir }: RunReader, { tokens, repeatMax }: Targets, found: Deficits) {
  const { decided, deficits, all, others, several, heldOut, mixture, tokensFitted, held } = found
  return {
    run: basename(dir),
    slots: [decided.from, decided.to],
    ended: decided.isEnded,
    ...all,
    tokensWanted: tokens,
    tokensFitted,
    repeatMax,
    targets: deficits.map(({ target, has, byDomain, ...deficit }) => ({
      name: target.name,
      ...has,
      wanted: target.wanted,
      ...deficit,
      domains: [...byDomain].map(([name, kept]) => ({ name, ...kept })),
    })),
    others,
    several,
    heldOut,
    domains: mixture,
    mixture: mixtureOf(found),
    held: [...held].map(([column, values]) => ({ column, ...values })),
  }
}

function describe(run: RunReader, targets: Targets, found: Deficits, out: string | null, terminal: Terminal): void {
  const { all, deficits, mixture } = found
  const paragraph = (text: string) => terminal.out.write(`\n${wrapText(text, pageWidth(terminal)).join('\n')}\n`)
  terminal.out.write(
    `run ${basename(run.dir)}, ${formatPlural(all.documents, 'document')} that it keeps, ${formatTokens(all)} tokens; ${formatShort(targets.tokens)} wanted, each document ${targets.repeatMax} times at most\n\n`,
  )
  terminal.out.write(formatTable(targetRows(found, targets)))
  for (const note of notesOf(found, targets)) paragraph(note)
  terminal.out.write(
    `\n${formatTable([['mixture that fits', 'weight', 'tokens', 'passes'], ...mixture.map(domainRow)])}`,
  )
  if (deficits.some(({ shareFed, shareFitted }) => shareFed < 0.99 * shareFitted))
    paragraph(
      'A feed is mixed by domains, and these have documents of no target or of others, too: "fed" is what each target gets. Where that is too little, keep what is wanted alone, by rules, or give it a domain of its own.',
    )
  terminal.out.write(`\n${describeUse(run, found, out)}`)
}

const formatTokens = ({ tokens, tokensEstimated }: Kept) =>
  `${tokensEstimated > 0 ? '~' : ''}${formatShort(Math.round(tokens))}`

function targetRows({ deficits, others }: Deficits, { repeatMax }: Targets): string[][] {
  const head = [
    'target',
    'documents',
    'has',
    'wanted',
    'short',
    `in ${repeatMax} passes`,
    'still short',
    'share wanted',
    'fits',
    'fed',
  ]
  const rowOf = ({ target, has, short, shortRepeated, shareWanted, shareFitted, shareFed }: Deficit) => [
    cleanName(target.name),
    formatCount(has.documents),
    formatTokens(has),
    formatShort(target.wanted),
    formatShort(short),
    formatShort(target.wanted - shortRepeated),
    formatShort(shortRepeated),
    ...[shareWanted, shareFitted, shareFed].map(share => formatShare(share, 1)),
  ]
  return [head, ...deficits.map(rowOf), ['(no target)', formatCount(others.documents), formatTokens(others)]]
}

const domainRow = ({ domain, weight, tokens, passes }: FittedDomain) => [
  cleanName(domain) || '(none)',
  formatShare(weight, 1),
  formatShort(tokens),
  passes.toFixed(2),
]

function notesOf(
  { all, several, heldOut, deficits, held, decided, tokensFitted }: Deficits,
  targets: Targets,
): string[] {
  const notes: string[] = []
  const { tokens, tokensEstimated } = all
  if (tokensEstimated > 0)
    notes.push(
      `~ ${formatShare(tokensEstimated, tokens)} of the tokens are an estimate by bytes, as no sealed shard has their documents.`,
    )
  if (several.documents > 0)
    notes.push(`${formatPlural(several.documents, 'document')} of several targets count for the first.`)
  if (heldOut.documents > 0)
    notes.push(`${formatPlural(heldOut.documents, 'document')} are held out and count for none.`)
  for (const { target, unmet } of deficits)
    for (const { column, names } of unmet)
      notes.push(
        `${cleanName(target.name)}: no document has ${names.map(name => `'${cleanName(name)}'`).join(', ')} in ${cleanName(column)}, which ${describeHeld(held.get(column)!)}.`,
      )
  if (tokensFitted < 0.999 * targets.tokens)
    notes.push(
      `All targets together give ${formatShort(tokensFitted)} of ${formatShort(targets.tokens)} tokens, each document ${targets.repeatMax} times: train on fewer, or find more text.`,
    )
  if (!decided.isEnded) notes.push(`The run has not ended: this is of the slots before ${decided.to}.`)
  if (decided.from > 0) notes.push(`Slots before ${decided.from} were trimmed and are not in this.`)
  return notes
}

/** Domains that a command line is shown for. */
const setMax = 40

function describeUse({ dir }: RunReader, found: Deficits, out: string | null): string {
  const { mixture, tokensFitted } = found
  const passes = Math.ceil(Math.max(...mixture.map(({ passes }) => passes)) - 1e-9)
  const repeat = passes > 1 ? `, dry: 'repeat', repeatMax: ${passes}` : ''
  const file = out === null ? '--out FILE writes the mixture for' : `wrote ${out}, for`
  const use = `${file} .feed({ mixture${repeat} })\n`
  const run = /^[\w.-]+$/.test(basename(dir)) ? basename(dir) : 'RUN'
  // Behind these tokens domains of the mixture have nothing left, and others are fed in their place.
  const budget = `headrace budget ${run} --tokens ${Math.floor(tokensFitted)}\n`
  const isPlain = mixture.length <= setMax && mixture.every(({ domain }) => /^[\p{L}\p{N} ._:/-]+$/u.test(domain))
  if (!isPlain) return use + budget
  const set = mixture.map(({ domain, weight }) => `${domain}=${roundWeight(weight)}`).join(',')
  return `${use}headrace mix ${run} --set '${set}'\n${budget}`
}

function refuse(what: string): HeadraceError {
  return new HeadraceError('bad-option', `${what}. See: headrace deficits --help`)
}
