import { type CompareOptions, Comparison } from '../diff/compare.ts'
import { diffNotes } from '../diff/notes.ts'
import { openSide } from '../diff/side.ts'
import { groupings } from '../diff/tally.ts'
import { HeadraceError } from '../errors.ts'
import { chooseFrom } from './choose.ts'
import { type Command, type ParsedArgs, runOptions, type Terminal } from './command.ts'
import { diffJson, diffLine } from './diff-json.ts'
import { writeSamples } from './diff-samples.ts'
import { diffTables, writeTables } from './diff-tables.ts'
import { openNamedRun } from './find-run.ts'
import { keyOption, readKey } from './join-key.ts'
import { writeLines } from './write-lines.ts'

export const diffCommand: Command = {
  name: 'diff',
  usage: 'A B',
  summary: 'Compares two runs over the same documents: what came in, what went, and for which reasons.',
  details: `A and B are names of runs in --dir, or folders of runs. Each record is of one kind: same (kept in both with the same text and domain, or removed in both for the same reason), added (B keeps what A dropped), removed, swapped (kept by one, dropped by the other as a copy of a document that the first does not keep), other-reason, other-text (kept in both with another text or domain), dead-in-one, and with --key only-in-one. By domain, language and source, before and after are kept documents, and after is before with what was added and without what was removed; by reason they are documents removed for it. The counts are held against the runs' own totals.

The runs must have the same slots: the same files, cut alike. Others are joined by a label with --key: the first record with it in A with the first in B, the second with the second, and so on; a record without the label by its file and line. A run that has not ended is compared as far as both are decided.

Exit status 0 when nothing differs, 1 when something does, as diff has it. On a terminal it prints tables, elsewhere lines that begin with the table's name, with two spaces or more between columns.`,
  options: {
    dir: runOptions.dir,
    by: {
      value: 'WHAT',
      multiple: true,
      help: `also counts by this: ${groupings.join(', ')}; repeatable (default domain)`,
    },
    samples: { value: 'N', help: 'records shown of each move, with the evidence of both runs (default 0)' },
    json: { help: 'prints one line of JSON' },
    rows: { help: 'prints a line of JSON for each record that differs, and nothing else' },
    key: keyOption,
  },
  run: async (args, terminal) => {
    const options = readOptions(args)
    const dir = args.text('dir') ?? '.headrace'
    const [nameA, nameB] = args.positionals
    await using a = await openNamedRun(dir, nameA)
    await using b = await openNamedRun(dir, nameB)
    const comparison = await Comparison.open(await openSide(nameA, a), await openSide(nameB, b), options)
    if (args.flag('rows')) {
      await writeLines(terminal, rowLines(comparison), line => line)
      for (const note of diffNotes(comparison)) terminal.err.write(`${note}\n`)
    } else {
      await comparison.readAll()
      if (args.flag('json')) terminal.out.write(`${JSON.stringify(await diffJson(comparison))}\n`)
      else await writePage(comparison, terminal)
    }
    return comparison.isSame ? 0 : 1
  },
}

function readOptions(args: ParsedArgs): CompareOptions {
  if (args.flag('json') && args.flag('rows'))
    throw new HeadraceError('bad-option', '--json prints the counts and --rows the records: give one of them')
  const by = args.texts('by').map(name => chooseFrom(groupings, '--by', name))
  return {
    by: by.length ? by : ['domain'],
    samplesMax: args.count('samples', 0, 0, samplesMax),
    label: readKey(args),
  }
}

/** Samples of a move: their documents stand in memory. */
const samplesMax = 1000

async function* rowLines(comparison: Comparison): AsyncGenerator<string, void> {
  for await (const difference of comparison.differences()) yield await diffLine(comparison.sides, difference)
}

async function writePage(comparison: Comparison, terminal: Terminal): Promise<void> {
  writeTables(terminal, diffTables(comparison))
  await writeSamples(comparison, terminal)
  for (const note of diffNotes(comparison)) terminal.err.write(`${note}\n`)
  if (comparison.isSame) terminal.err.write('nothing differs\n')
}
