/** The rooms and devices of the home, as far as bounds of grants speak of them. */
export interface Places {
  /** Topic filters, at the hub's own broker, of what is in the room or is the device; none: there is no such place. */
  topicsOf(kind: 'room' | 'device', name: string): readonly string[]
  /** The room a device stands in, where that is known. */
  roomOf(device: string): string | undefined
}
