/** What a BIRTH said of a metric. */
export interface Announced {
  readonly name: string
  readonly datatype: number | undefined
}

/** The metrics of every edge node, as their BIRTHs announced them. */
export interface Aliases {
  /** An edge node's NBIRTH begins anew: what its devices had announced is over too. */
  reset(edgeNode: string): void
  learn(edgeNode: string, metric: Announced & { alias: bigint | undefined; device: string }): void
  byAlias(edgeNode: string, alias: bigint): Announced | undefined
  byName(edgeNode: string, device: string, name: string): Announced | undefined
}

const MOST_NODES = 1000
const MOST_METRICS = 50_000

interface EdgeNode {
  /** `conflict`: two metrics claim the alias, so it names neither (an alias is unique in an edge node). */
  readonly aliases: Map<bigint, Announced | 'conflict'>
  readonly names: Map<string, Announced>
}

export function createAliases(): Aliases {
  const nodes = new Map<string, EdgeNode>()
  let metrics = 0
  const forget = (edgeNode: string) => {
    metrics -= nodes.get(edgeNode)?.names.size ?? 0
    nodes.delete(edgeNode)
  }
  return {
    reset: forget,
    learn(edgeNode, { alias, device, name, datatype }) {
      const node: EdgeNode = nodes.get(edgeNode) ?? { aliases: new Map(), names: new Map() }
      nodes.set(edgeNode, node)
      const key = `${device}/${name}`
      if (!node.names.has(key)) metrics += 1
      const announced = { name, datatype }
      node.names.set(key, announced)
      if (alias !== undefined) {
        const before = node.aliases.get(alias)
        const same = before === undefined || (before !== 'conflict' && before.name === name)
        node.aliases.set(alias, same ? announced : 'conflict')
      }
      // The oldest edge nodes go first; their next DATA is honestly unknown until they announce themselves again.
      for (const oldest of nodes.keys()) {
        if (nodes.size <= MOST_NODES && metrics <= MOST_METRICS) break
        forget(oldest)
      }
    },
    byAlias(edgeNode, alias) {
      const announced = nodes.get(edgeNode)?.aliases.get(alias)
      return announced === 'conflict' ? undefined : announced
    },
    byName: (edgeNode, device, name) => nodes.get(edgeNode)?.names.get(`${device}/${name}`),
  }
}
