/** A parser with a defect behind three steps, each of which shows only in what runs. */
export function walkMaze(text: string): number {
  if (text[0] !== '{') return 0
  if (text[1] !== '"') return 1
  if (text[2] !== '[') return 2
  throw new RangeError('the end of the maze')
}
