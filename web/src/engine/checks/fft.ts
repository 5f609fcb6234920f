/** A spectrum, or complex samples: two arrays of a power of two. */
export interface Complex {
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/** The discrete Fourier transform (Cooley and Tukey 1965), in place. The inverse one lacks its 1/n. */
export function fft({ re, im }: Complex, inverse = false): void {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) for (const part of [re, im]) [part[i], part[j]] = [part[j] as number, part[i] as number];
  }
  for (let size = 2; size <= n; size *= 2) {
    const angle = ((inverse ? 2 : -2) * Math.PI) / size;
    for (let k = 0; k < size / 2; k++) {
      const cos = Math.cos(angle * k);
      const sin = Math.sin(angle * k);
      for (let a = k; a < n; a += size) butterfly({ re, im }, a, a + size / 2, cos, sin);
    }
  }
}

function butterfly({ re, im }: Complex, a: number, b: number, cos: number, sin: number): void {
  const real = (re[b] as number) * cos - (im[b] as number) * sin;
  const imaginary = (re[b] as number) * sin + (im[b] as number) * cos;
  re[b] = (re[a] as number) - real;
  im[b] = (im[a] as number) - imaginary;
  re[a] = (re[a] as number) + real;
  im[a] = (im[a] as number) + imaginary;
}
