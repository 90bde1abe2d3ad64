import type { Caller } from '../../../kernel/caller.ts'
import { Fault } from '../../../kernel/fault.ts'
import type { OfferSpec } from '../../../kernel/offer.ts'
import { PART_TEMPLATE, readResultAddress, RESULTS } from './address.ts'
import { partOf, type KeptResults } from './kept-results.ts'

/** Kept results as MCP resources. They stand in no list: each is its caller's own. */
export const offers: OfferSpec<{ readonly kept: KeptResults }> = {
  prompts: [],
  resources: [],
  templates: [
    {
      key: PART_TEMPLATE,
      value: {
        uriTemplate: PART_TEMPLATE,
        name: 'result-part',
        description: 'A part of a result that was too large to show at once.',
        mimeType: 'text/plain',
      },
    },
  ],
  capabilities: { resources: {} },
  owns: (_, { uri }) => readResultAddress(uri) !== undefined,
  methods: [
    {
      method: 'resources/read',
      scope: null,
      async handler({ uri }, { kept, caller }) {
        try {
          return { contents: [{ uri, mimeType: 'text/plain', text: read(uri, kept, caller) }] }
        } catch (error) {
          // Nobody else can have one of ours: `not_found` would have them asked. MCP's own number is that of invalid params.
          if (!(error instanceof Fault) || error.code !== 'not_found' || !isOurs(uri)) throw error
          throw new Fault('invalid_input', error.message, error.hint === undefined ? {} : { hint: error.hint })
        }
      },
    },
  ],
}

const isOurs = (uri: unknown) => typeof uri === 'string' && uri.startsWith(RESULTS)

function read(uri: unknown, kept: KeptResults, caller: Caller): string {
  const address = readResultAddress(uri)
  if (!address) throw new Fault('not_found', `There is no resource ${JSON.stringify(String(uri).slice(0, 200))}.`)
  const result = kept.find(caller, address.id)
  return address.part === undefined ? result.text : partOf(result, address.part)
}
