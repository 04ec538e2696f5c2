import { type LeftOut, leftOutKinds } from '../sources/left-out.ts'
import { formatCount } from './table.ts'
import { cleanPath } from './wrap.ts'

/** What lies beside the input and is not read, in a line. */
export function describeLeftOut(leftOut: readonly LeftOut[]): string {
  return `beside the input, and not read: ${leftOut.map(describeKind).join('; ')}`
}

function describeKind({ kind, count, names }: LeftOut): string {
  const more = count > names.length ? ` and ${formatCount(count - names.length)} more` : ''
  const [one, many] = leftOutKinds[kind]
  return `${formatCount(count)} ${count === 1 ? one : many} (${names.map(name => cleanPath(name)).join(', ')}${more})`
}
