import type { Facts, FamilyName, ReadingKind } from './device.ts'
import type { Heard } from './heard.ts'

/** What is known of a fact beside its value. */
export interface Trait {
  /** The name the fact goes by, where messages call it otherwise (an alias, an id). */
  readonly name?: string
  /** What tells it from another fact of that name in the same device. */
  readonly group?: string
  /** As a person would call it. */
  readonly label?: string
  readonly unit?: string
  /** A key of the vocabulary: Home Assistant's device classes and Zigbee2MQTT's names of properties. */
  readonly class?: string
  /** The value that is 100 %. */
  readonly max?: number
  /** Not worth a word in a summary. */
  readonly minor?: boolean
}

/** What is declared of a device. Several sources may each declare a part. */
export interface Profile {
  readonly name?: string
  readonly model?: string
  readonly room?: string
  readonly family?: FamilyName
  /** The device without which this one is out of reach. */
  readonly parent?: string
  /** When the parent is lost, this one is until it says otherwise (Sparkplug B), not just for as long. */
  readonly diesWithParent?: boolean
  readonly traits?: Readonly<Record<string, Trait>>
  /** How several words about its availability make one; `latest` where nothing is said. */
  readonly availabilityMode?: 'all' | 'any' | 'latest'
}

/** What a message says of one device; laid over what is known of it. */
export interface Claim {
  readonly device: string
  readonly kind: ReadingKind
  readonly facts?: Facts
  readonly online?: boolean
  /** Which of several words about availability this is. */
  readonly channel?: string
  /** What is wrong; `null`: nothing any more. */
  readonly error?: string | null
  /** When the device spoke, by its own word. */
  readonly seenMs?: number
  /** What it knew before is void (a new birth). */
  readonly afresh?: boolean
  /** Facts that it has no more. */
  readonly forgets?: readonly string[]
  /** It went by this id before. */
  readonly formerly?: string
  /** `undefined` takes back what the source declared. */
  readonly declares?: { readonly source: string; readonly profile: Profile | undefined }
  /** In words, where facts do not say it. */
  readonly says?: string
}

export interface Outcome {
  /** Empty: it is the family's, and says nothing of a device. */
  readonly claims: readonly Claim[]
  /** Now that this is known, what earlier messages meant may be known too: these topics, and all below these. */
  readonly revisit?: { readonly topics?: readonly string[]; readonly below?: readonly string[] }
  /** Only a declaration says that it is the family's: it is read again when another declaration comes. */
  readonly keep?: true
}

/** One family of devices: reads its messages, and remembers no more than it needs to read the next. */
export interface Family {
  readonly name: FamilyName
  /** Undefined: not the family's, as far as is known. */
  read(message: Heard): Outcome | undefined
  /** Whether the family's own list of devices says that this one is not (any more) there. */
  hides?(device: string): boolean
  /** The device of another family that this one only describes once more. */
  sameAs?(device: string): string | undefined
}

/** What a family may ask of the view. */
export interface Surroundings {
  /** The device that speaks at this topic, where a family knows it by the topic's form. */
  ownerOf(topic: string): string | undefined
}

export const nothing: Outcome = { claims: [] }
