/** The head of a `.npy` file, version 1.0 (numpy/lib/format.py): what follows is the array in C order, from a multiple of 64 bytes on. */
export function npyHeader(type: string, shape: readonly number[]): Uint8Array {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${sizes}), }`
  const bytes = Math.ceil((11 + text.length) / 64) * 64
  const head = Buffer.alloc(bytes, ' ')
  head.write('\x93NUMPY\x01\x00', 'latin1')
  head.writeUInt16LE(bytes - 10, 8)
  head.write(text, 10, 'latin1')
  head.write('\n', bytes - 1, 'latin1')
  return head
}
