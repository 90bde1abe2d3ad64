import type { OpenPeople } from '../../kernel/people.ts'
import type { Store } from '../../kernel/ports.ts'
import { service, type Surroundings } from '../../kernel/service.ts'
import { cancelPairing, listPairings, pair } from './pairing-operations.ts'
import { setPassword } from './password-operation.ts'
import { addPerson, changePerson, listPeople, removePerson } from './person-operations.ts'

export interface PeopleServiceOptions {
  /** Where phones and browsers reach the hub: `https://home.example`. */
  readonly origin: () => string
  /** Opens what keeps them. */
  readonly open: (home: { readonly store: Store } & Surroundings) => Promise<OpenPeople>
}

/** Who lives here, or comes to visit, and what they may. The service is what stands behind the port `people`, too. */
export const peopleService = ({ origin, open }: PeopleServiceOptions) =>
  service({
    name: 'people',
    summary: 'The people of the home: who they are, what they may, and the devices that they pair.',
    needs: ['store'],
    operations: [addPerson, listPeople, changePerson, removePerson, setPassword, pair, listPairings, cancelPairing],
    async start(ports) {
      const people = await open(ports)
      return { deps: { people, origin }, port: people, stop: () => people.close() }
    },
  })
