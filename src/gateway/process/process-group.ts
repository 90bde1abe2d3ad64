import { execFile } from 'node:child_process'
import process from 'node:process'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { membersOf } from './process-table.ts'

/** Milliseconds between two looks at a group that was told to end. */
const LOOK_EVERY_MS = 15
/** From then on, looks cost more and say more: whether those that are left are zombies. */
const LOOK_CLOSER_AFTER_MS = 60
const AFTER_KILL_MS = 2000

/** Whether there was anybody to get the signal. */
export function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-group, signal)
    return true
  } catch (error) {
    // Somebody is there who may not be signalled: a program that took another user's rights.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Tells a group whose leader runs to end. Windows has neither groups nor SIGTERM: there its tree of processes ends. */
export async function terminate(group: number): Promise<void> {
  if (process.platform !== 'win32') return void signalGroup(group, 'SIGTERM')
  const end = promisify(execFile)('taskkill', ['/pid', String(group), '/t', '/f'], { windowsHide: true })
  await end.catch(() => undefined)
}

/**
 * Ends what a leader left behind: SIGTERM, and after `graceMs` SIGKILL. Resolves when nobody is left; throws nothing.
 * On Windows nothing tells what belonged to a process that is gone.
 */
export async function endGroup(group: number, graceMs: number): Promise<void> {
  if (process.platform === 'win32') return
  if (!signalGroup(group, 'SIGTERM')) return
  if (await isGoneWithin(group, graceMs)) return
  signalGroup(group, 'SIGKILL')
  await isGoneWithin(group, AFTER_KILL_MS)
}

async function isGoneWithin(group: number, limitMs: number): Promise<boolean> {
  const beganMs = performance.now()
  for (;;) {
    const waitedMs = performance.now() - beganMs
    if (isGone(group, waitedMs)) return true
    if (waitedMs > limitMs) return false
    // A group's end is no event; a child's is, but its own children are not ours to wait for.
    await delay(LOOK_EVERY_MS + waitedMs / 20)
  }
}

function isGone(group: number, waitedMs: number): boolean {
  if (!signalGroup(group, 0)) return true
  return process.platform === 'linux' && waitedMs > LOOK_CLOSER_AFTER_MS && membersOf(group).length === 0
}
