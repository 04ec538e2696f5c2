import type * as Suffixes from 'tldts'
import { requirePackage } from '../optional-package.ts'

/** Whether a domain is a public suffix, as `com` and `co.uk`: all of it is no site. Those of companies (`github.io`) are sites here. */
export type IsPublicSuffix = (domain: string) => boolean

const options = Object.freeze({ validateHostname: false, extractHostname: false, allowPrivateDomains: false })

/** The public suffix list of the package `tldts`, of whatever version is installed. `bad-option` where it is not. */
export function loadPublicSuffixes(who: string): IsPublicSuffix {
  const { getPublicSuffix } = requirePackage<typeof Suffixes>('tldts', who)
  return domain => getPublicSuffix(domain, options) === domain
}
