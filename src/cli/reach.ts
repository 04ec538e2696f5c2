import { HeadraceError } from '../errors.ts'
import { isOwnName } from '../serve/host.ts'
import { parseAddress, type Reach } from '../watch/address.ts'
import type { ParsedArgs } from './command.ts'

/** Options of who reaches a server of pages, beside its address. */
export const reachOptions = {
  'http-host': {
    value: 'NAME',
    multiple: true,
    help: 'answers to this name, too, as a proxy in front passes it on; repeatable (default names of this machine alone)',
  },
  'http-documents': {
    help: 'shows documents also where others than this machine reach it (default on this machine alone)',
  },
} as const

/** How a server of pages is reached, and whether documents may be read there; null without `--http`. Throws 'bad-option'. */
export function readReach(args: ParsedArgs, fallback?: string): (Reach & { readonly hasDocuments: boolean }) | null {
  const address = args.text('http') ?? fallback
  const names = args.texts('http-host')
  const hasFlag = args.flag('http-documents')
  const alone = hasFlag ? '--http-documents' : names.length > 0 ? '--http-host' : null
  if (address === undefined) {
    if (alone) throw new HeadraceError('bad-option', `${alone} goes with --http`)
    return null
  }
  const wrong = names.find(name => !/^[\w.-]+$/.test(name))
  if (wrong !== undefined)
    throw new HeadraceError(
      'bad-option',
      `--http-host is '${wrong}'; it takes a name without a port, as headrace.example.org`,
    )
  const { host } = parseAddress(address)
  return {
    address,
    names: names.map(name => name.toLowerCase()),
    hasDocuments: hasFlag || (isOwnName(host) && names.length === 0),
  }
}
