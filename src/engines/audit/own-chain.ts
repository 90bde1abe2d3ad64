import { randomBytes } from 'node:crypto'
import type { Clock } from '../../kernel/clock.ts'
import { Fault } from '../../kernel/fault.ts'
import type { Log } from '../../kernel/log.ts'
import { firstAnchor, headOf } from './anchor.ts'
import type { AuditTable } from './audit-table.ts'
import { linkAll, type ChainSigner, type Head, type Link } from './chain.ts'
import type { HeadFile } from './head-file.ts'

/** The chain that this hub writes. */
export interface OwnChain {
  readonly head: Head
  /** Entries that are not where the chain says they were, when it was opened: the database is older than the chain, or was cut. */
  readonly missing?: { readonly from: number; readonly to: number }
  /** Links these entries, the values of each as JSON, to the end of `after`; nothing is written. */
  link(texts: readonly string[], after: Head): Link[]
  /**
   * Writes the links, which follow `head`; it is then the last of them. Those whose commit was not heard of the last time are not
   * written twice. Throws what the store throws; the chain is where it was then.
   */
  write(links: readonly Link[]): Promise<void>
  /** It was written elsewhere, up to here. */
  advance(head: Head): void
}

export interface OwnChainOptions {
  readonly table: AuditTable
  readonly signer: ChainSigner
  readonly file: HeadFile
  readonly clock: Clock
  readonly log: Log
}

export async function openOwnChain({ table, signer, file, clock, log }: OwnChainOptions): Promise<OwnChain> {
  let head = file.heads()[0] ?? newHead()
  await table.addChain(firstAnchor(signer, head.chain, clock.now()))
  const stored = await storedHead(table, head.chain)
  const missing = stored.seq < head.seq ? { from: stored.seq + 1, to: head.seq } : undefined
  // Killed, it may have written more than it noted. Cut off, it goes on where it was: the gap stays to be seen.
  if (missing) log.error('entries of the audit are missing: the database is an older one, or was changed', missing)
  else head = stored
  file.note(head)

  const link = (texts: readonly string[], after: Head): Link[] => linkAll(signer, texts, after)
  const advance = (to: Head) => {
    head = to
    file.note(head)
  }
  const insert = async (links: readonly Link[]) => {
    await table.insert(links)
    const { chain, seq, bytes, mac } = links.at(-1) ?? head
    advance({ chain, seq, bytes, mac })
  }

  /** Somebody wrote at these places: this hub, without hearing of it, or another with a copy of the same folder. */
  const resolve = async (links: readonly Link[]) => {
    const tail = await storedHead(table, head.chain)
    const at = links.findIndex(({ seq, mac }) => seq === tail.seq && mac === tail.mac)
    if (at >= 0) {
      head = tail
      return await insert(links.slice(at + 1))
    }
    log.error('another hub writes to the audit in the name of this one; a new chain is begun', { chain: head.chain })
    head = newHead()
    await table.addChain(firstAnchor(signer, head.chain, clock.now()))
    await insert(
      link(
        links.map(({ values }) => JSON.stringify(values)),
        head,
      ),
    )
  }

  return {
    get head() {
      return head
    },
    ...(missing && { missing }),
    link,
    advance,
    async write(links) {
      try {
        await insert(links)
      } catch (error) {
        if (!(error instanceof Fault) || error.code !== 'conflict') throw error
        await resolve(links)
      }
    },
  }
}

const newHead = (): Head => ({ chain: randomBytes(6).toString('hex'), seq: 0, bytes: 0, mac: '' })

/** The last entry, or where what was pruned ended. */
async function storedHead(table: AuditTable, chain: string): Promise<Head> {
  const anchor = (await table.chains()).find((row) => row.chain === chain)
  return (await table.tail(chain)) ?? (anchor ? headOf(anchor) : { chain, seq: 0, bytes: 0, mac: '' })
}
