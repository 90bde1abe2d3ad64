import { setImmediate as turn } from 'node:timers/promises'
import { HUB_KEY, type KeyUse, type RewrapReport, type SealedText, type SealedTexts } from '../../kernel/keys.ts'
import type { Secrets } from '../../kernel/ports.ts'
import { parseSealed } from './sealed-text.ts'

/** Texts that are read and sealed at once; then others have their turn. */
const READ_AT_ONCE = 100

/** What the hub stores sealed, wherever it does. */
export interface StoredTexts {
  tend(texts: SealedTexts): () => void
  rewrap(signal: AbortSignal, onProgress?: (done: number) => void): Promise<RewrapReport>
  /** How many of them that version of the hub's own key sealed. */
  useOf(version: number, signal: AbortSignal): Promise<KeyUse>
}

export function createStoredTexts(secrets: Pick<Secrets, 'seal' | 'open' | 'isStale'>): StoredTexts {
  /** By what they are: a part that was started anew takes its own place. */
  const keepers = new Map<string, SealedTexts>()
  let running: Promise<RewrapReport> | undefined

  /** What is interrupted is not lost: the next time only what is still old is sealed anew. */
  const rewrapAll = async (signal: AbortSignal, onProgress?: (done: number) => void): Promise<RewrapReport> => {
    let rewrapped = 0
    let current = 0
    const unreadable: Record<string, number> = {}
    for (const keeper of keepers.values())
      for await (const text of textsOf(keeper, signal)) {
        const sealed = sealedAnew(secrets, text)
        if (sealed === 'current') current += 1
        else if (sealed === 'unreadable') unreadable[keeper.what] = (unreadable[keeper.what] ?? 0) + 1
        else {
          await keeper.replace(text, sealed.text)
          rewrapped += 1
        }
        onProgress?.(rewrapped + current)
      }
    return { rewrapped, current, unreadable }
  }

  return {
    tend(texts) {
      keepers.set(texts.what, texts)
      return () => {
        if (keepers.get(texts.what) === texts) keepers.delete(texts.what)
      }
    },
    rewrap: (signal, onProgress) =>
      (running ??= rewrapAll(signal, onProgress).finally(() => {
        running = undefined
      })),
    async useOf(version, signal) {
      const use: Record<string, number> = {}
      for (const keeper of keepers.values())
        for await (const { sealed } of textsOf(keeper, signal)) {
          const parts = parseSealed(sealed)
          if (parts?.form === 'v2' && parts.name === HUB_KEY && parts.version === version)
            use[keeper.what] = (use[keeper.what] ?? 0) + 1
        }
      return use
    },
  }
}

async function* textsOf(keeper: SealedTexts, signal: AbortSignal): AsyncGenerator<SealedText> {
  let after: string | undefined
  for (;;) {
    signal.throwIfAborted()
    const texts = await keeper.read(after, READ_AT_ONCE)
    yield* texts
    after = texts.at(-1)?.id
    if (texts.length < READ_AT_ONCE) return
    await turn()
  }
}

function sealedAnew(
  secrets: Pick<Secrets, 'seal' | 'open' | 'isStale'>,
  { sealed, context }: SealedText,
): 'current' | 'unreadable' | { readonly text: string } {
  try {
    if (!secrets.isStale(sealed)) return 'current'
    return { text: secrets.seal(secrets.open(sealed, context), context) }
  } catch {
    return 'unreadable'
  }
}
