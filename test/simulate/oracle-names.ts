export interface NameLimits {
  readonly domainsMax: number
  readonly nameLengthMax: number
}

/** Which name a document's domain is kept under: the first ones that come are kept apart; all later ones, and longer ones, are `other`. */
export function limitNames({ domainsMax, nameLengthMax }: NameLimits): (name: string) => string {
  const apart = new Set<string>()
  return name => {
    if (name === 'holdout' || apart.has(name)) return name
    if (name === 'other' || name.length > nameLengthMax || apart.size >= domainsMax) return 'other'
    apart.add(name)
    return name
  }
}
