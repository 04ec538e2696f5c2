/**
 * Watches what is allocated in buffers: import it before all else in a worker. Memory behind typed arrays is no part of a worker's heap
 * limit, and what is allocated and dropped within one call shows in no figure of the process.
 */
let [once, total] = [0, 0]

/** A single buffer, and all of one case together. Files are some kilobytes; a line reader takes 1 MB to begin with. */
export const bytesOnceMax = 64 * 1024 * 1024
export const bytesTotalMax = 512 * 1024 * 1024

export function markAllocations(): void {
  once = total = 0
}

export function allocatedSince(): { readonly once: number; readonly total: number } {
  return { once, total }
}

function count(bytes: number): void {
  if (!(bytes > 0)) return
  once = Math.max(once, bytes)
  total += bytes
}

/** Replaces the constructors of typed arrays and what makes Buffers by ones that count. */
export function watchAllocations(): void {
  const world = globalThis as unknown as Record<string, object>
  for (const type of [Uint8Array, Int32Array, Uint32Array, Float32Array, Float64Array, BigInt64Array, Uint16Array])
    world[type.name] = new Proxy(type, {
      construct(target, parameters, made) {
        if (typeof parameters[0] === 'number') count(parameters[0] * type.BYTES_PER_ELEMENT)
        return Reflect.construct(target, parameters, made)
      },
    })
  world.ArrayBuffer = new Proxy(ArrayBuffer, {
    construct(target, parameters, made) {
      count(parameters[0])
      return Reflect.construct(target, parameters, made)
    },
  })
  for (const name of ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const) {
    const real = Buffer[name].bind(Buffer)
    Buffer[name] = (size: number, ...rest: []) => {
      count(size)
      return real(size, ...rest)
    }
  }
}
