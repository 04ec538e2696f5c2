/**
 * Makes the children of an element those given, and keeps the elements that are there already where they are alike: while figures
 * change each second, what has the focus keeps it, a click that began on a button ends on it, what is scrolled or selected stays so, and who is read a page
 * is read what changed alone.
 * The given have no listeners of their own, as those that are kept would not get them: the parent listens for them.
 *
 * `key` names a data attribute: when the one that has the focus came to stand for another, the focus goes where its key is now.
 */
export function update(parent: HTMLElement, parts: readonly (Node | string)[], key = ''): void {
  const focused = parent.contains(document.activeElement) ? (document.activeElement as HTMLElement) : null
  const wanted = focused?.dataset[key]
  updateChildren(
    parent,
    parts.map(part => (typeof part === 'string' ? new Text(part) : part)),
  )
  if (wanted === undefined || focused!.dataset[key] === wanted) return
  parent.querySelector<HTMLElement>(`[data-${key}="${CSS.escape(wanted)}"]`)?.focus()
}

function updateChildren(parent: Element, parts: readonly Node[]): void {
  const there = [...parent.childNodes]
  parts.forEach((part, i) => {
    const old = there[i]
    if (!old) parent.append(part)
    else if (old.nodeName !== part.nodeName) old.replaceWith(part)
    else if (part instanceof Element) updateElement(old as unknown as Element, part)
    else if (old.nodeValue !== part.nodeValue) old.nodeValue = part.nodeValue
  })
  for (const old of there.slice(parts.length)) old.remove()
}

function updateElement(old: Element, now: Element): void {
  for (const { name } of [...old.attributes]) if (!now.hasAttribute(name)) old.removeAttribute(name)
  for (const { name, value } of now.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value)
  updateChildren(old, [...now.childNodes])
}
