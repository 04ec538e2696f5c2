/** The first characters of a text, whole ones; no more than these are looked at. */
export function cutText(text: string, charactersMax: number): string {
  if (text.length <= charactersMax) return text
  let end = 0
  for (let characters = 0; characters < charactersMax && end < text.length; characters++)
    end += text.codePointAt(end)! > 0xffff ? 2 : 1
  return text.slice(0, end)
}
