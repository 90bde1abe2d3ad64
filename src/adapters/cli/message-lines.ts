import type { Readable } from 'node:stream'

export type Line = { readonly is: 'line'; readonly text: string } | { readonly is: 'too-long' }

const LF = 0x0a

/**
 * Lines of a stream, split as bytes so that no character is cut. Of a line over the limit nothing is kept: it is told
 * once, when it ends, and the next line is read as if it had not been.
 */
export async function* readLines(input: Readable, largestBytes: number): AsyncGenerator<Line> {
  let parts: Buffer[] = []
  let bytes = 0
  const take = (part: Buffer) => {
    bytes += part.length
    if (bytes <= largestBytes) parts.push(part)
    else parts = []
  }
  const end = (): Line => {
    const line: Line =
      bytes > largestBytes
        ? { is: 'too-long' }
        : { is: 'line', text: Buffer.concat(parts).toString().replace(/\r$/, '') }
    parts = []
    bytes = 0
    return line
  }
  for await (const chunk of input) {
    let rest = chunk as Buffer
    for (let at = rest.indexOf(LF); at !== -1; at = rest.indexOf(LF)) {
      take(rest.subarray(0, at))
      yield end()
      rest = rest.subarray(at + 1)
    }
    take(rest)
  }
  if (bytes > 0) yield end()
}
