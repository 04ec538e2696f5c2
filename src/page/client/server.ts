/** The address of what the server of this page has, also where a proxy puts a prefix before it or leaves out the slash at its end. */
export function serverUrl(path: string): string {
  return new URL(path, location.origin + location.pathname.replace(/\/?$/, '/')).href
}

/** Asks the server of this page. Throws an Error that says what it answered. */
export async function askServer<T>(path: string): Promise<T> {
  const response = await fetch(serverUrl(path))
  if (!response.ok) throw new Error((await response.text()).trim())
  return response.json()
}
