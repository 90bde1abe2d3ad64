import type { Target } from '../target.ts'
import { findingOf, type Finding } from './finding.ts'

const MOST_TRIES = 2000

/** The same finding with as little input as leaving parts out gets to. */
export async function shrink(target: Target, found: Finding, onRun?: (input: Buffer) => void): Promise<Finding> {
  let smallest = found
  let tries = found.kind === 'slow' ? 0 : MOST_TRIES
  for (let size = Math.ceil(found.input.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < smallest.input.length && tries > 0; tries--) {
      const { input } = smallest
      const tried = Buffer.concat([input.subarray(0, at), input.subarray(at + size)])
      onRun?.(tried)
      const shorter = await findingOf(target, tried)
      if (shorter?.kind === found.kind) smallest = shorter
      else at += size
    }
  }
  return smallest
}
