/** A member of a tar file (POSIX.1-1988, ustar): a header of 512 bytes, then the content to a multiple of 512. */
export function tarMember(name: string, content: Uint8Array): Uint8Array[] {
  return [headerOf(name, content.length), content, zeros.subarray(0, -content.length & (block - 1))]
}

const block = 512
/** Bytes of a member besides its content, with the head of an array. */
export const memberBytesMax = 3 * block
const zeros = new Uint8Array(block)
/** Two blocks of zeros. */
export const tarEnd = new Uint8Array(2 * block)

/** Owner and time are none's, so that the same samples are the same bytes. */
function headerOf(name: string, bytes: number): Uint8Array {
  const header = Buffer.alloc(block)
  header.write(name, 0, 100, 'latin1')
  header.write(`0000644\0${'0000000\0'.repeat(2)}`, 100, 'latin1')
  header.write(`${octal(bytes, 11)}\0`, 124, 'latin1')
  header.write(`${octal(0, 11)}\0`, 136, 'latin1')
  header.write(' '.repeat(8), 148, 'latin1')
  header.write('0', 156, 'latin1')
  header.write('ustar\x0000', 257, 'latin1')
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${octal(sum, 6)}\0 `, 148, 'latin1')
  return header
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}
