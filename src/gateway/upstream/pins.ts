import { createHash } from 'node:crypto'
import type { ListedTool } from './listed.ts'

/** What was approved of a tool: everything a model or a person decides by. */
export interface Pin {
  readonly hash: string
  /** Wall-clock milliseconds. */
  readonly approvedAtMs: number
  /** The approved description, for the difference to a later one. */
  readonly face: ToolFace
}

/** The part of a tool's description that is pinned; icons and the like may change. */
export type ToolFace = Readonly<Record<string, unknown>>

const PINNED = ['title', 'description', 'inputSchema', 'outputSchema', 'annotations'] as const

/** A tool that waits for a person to look at it. */
export interface HeldTool {
  readonly name: string
  readonly why: 'new' | 'changed'
  readonly fingerprint: string
  /** Wall-clock milliseconds of the approval it departs from. */
  readonly approvedAtMs?: number
  /** Each member that differs, as JSON before and now. */
  readonly changes: readonly { readonly member: string; readonly before?: unknown; readonly now?: unknown }[]
}

export const faceOf = ({ value }: ListedTool): ToolFace =>
  Object.fromEntries(PINNED.flatMap((member) => (value[member] === undefined ? [] : [[member, value[member]]])))

/** SHA-256 over the face with its keys in order: a server may write them in any. */
export const hashOf = (face: ToolFace): string =>
  createHash('sha256')
    .update(JSON.stringify(ordered(face)))
    .digest('hex')

/** What differs from what was approved; undefined: nothing, or that is to be trusted. */
export function held(
  tool: ListedTool,
  pin: Pin | undefined,
  policy: { readonly newTools: 'trust' | 'hold'; readonly changedTools: 'trust' | 'hold' },
): HeldTool | undefined {
  const face = faceOf(tool)
  const hash = hashOf(face)
  if (pin?.hash === hash) return undefined
  if (policy[pin ? 'changedTools' : 'newTools'] === 'trust') return undefined
  return {
    name: tool.name,
    why: pin ? 'changed' : 'new',
    fingerprint: hash,
    ...(pin && { approvedAtMs: pin.approvedAtMs }),
    changes: differences(pin?.face ?? {}, face),
  }
}

function differences(before: ToolFace, now: ToolFace): HeldTool['changes'] {
  const text = (value: unknown) => JSON.stringify(ordered(value))
  return PINNED.filter((member) => text(before[member]) !== text(now[member])).map((member) => ({
    member,
    ...(before[member] !== undefined && { before: before[member] }),
    ...(now[member] !== undefined && { now: now[member] }),
  }))
}

/** The same value with the keys of every object in order. */
function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, ordered(member)]),
  )
}
