import { type LabelColumn, labelColumns } from '../diff/label-columns.ts'
import { chooseFrom } from './choose.ts'
import type { ParsedArgs } from './command.ts'

/** The option `--key` of what compares two runs. */
export const keyOption = {
  value: 'LABEL',
  help: `joins records by ${labelColumns.join(' or ')} rather than by slot and row`,
}

/** The label that joins records; null where they are joined by slot and row. Throws 'bad-option' for another. */
export function readKey(args: ParsedArgs): LabelColumn | null {
  const label = args.text('key')
  return label === undefined ? null : chooseFrom(labelColumns, '--key', label)
}
