/** The prime factors of a number from 1 on, the smallest first, each as often as it divides. */
export function primeFactors(number: number): number[] {
  const factors: number[] = []
  let rest = number
  for (let prime = 2; prime * prime <= rest; prime++) for (; rest % prime === 0; rest /= prime) factors.push(prime)
  return rest > 1 ? [...factors, rest] : factors
}

/**
 * The sample of a step that each row of a file holds. A sample's number is written in digits to the bases of the batch's prime factors, the
 * smallest first, and its row is the number that has these digits in reverse. So of a world that is a product of the first of these factors
 * each rank's samples, k mod world, lie in one stretch: those of 1, 2, 4, 8 ... ranks where the batch is a power of two.
 */
export function samplesByRow(batch: number): Int32Array {
  const factors = primeFactors(batch)
  const samples = new Int32Array(batch)
  for (let sample = 0; sample < batch; sample++) {
    let [rest, row] = [sample, 0]
    for (const factor of factors) {
      row = row * factor + (rest % factor)
      rest = Math.floor(rest / factor)
    }
    samples[row] = sample
  }
  return samples
}
