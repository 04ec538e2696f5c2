/** What a control entry says of where in the plan it stands. */
interface Entry {
  readonly step: number
  readonly fork?: { readonly skip: readonly [from: number, to: number] | null }
  readonly takeDown?: { readonly published: number }
}

export interface Places<T> {
  /** The entries, in their order, with the place in the plan from which on each is in force. */
  readonly entries: readonly { readonly entry: T; readonly from: number }[]
  readonly passedOver: ReadonlySet<number>
}

/**
 * The plan numbers all steps that it makes; a feed numbers those that it does not pass over. An entry counts steps as its feed did when it
 * came: by walking over the plan.
 */
export function placeControls<T extends Entry>(controls: readonly T[]): Places<T> {
  const passedOver = new Set<number>()
  const find = (step: number) => {
    let place = 0
    for (let left = step; left > 0 || passedOver.has(place); place++) if (!passedOver.has(place)) left--
    return place
  }
  const entries = controls.map(entry => {
    // Steps that were published when it came know nothing of it.
    const from = find(Math.max(entry.step, entry.takeDown?.published ?? 0))
    const [first, last] = entry.fork?.skip ?? [0, -1]
    const passed = Array.from({ length: last - first + 1 }, (_, i) => find(first + i))
    for (const place of passed) passedOver.add(place)
    return { entry, from }
  })
  return { entries, passedOver }
}
