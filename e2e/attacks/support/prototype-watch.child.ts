/** Loaded into a hub before anything else: says at its end whether somebody has changed what every object and list inherits. */
import process from 'node:process'

const WATCHED = {
  Object: Object.prototype,
  Array: Array.prototype,
  Function: Function.prototype,
  String: String.prototype,
}
const before = Object.entries(WATCHED).map(
  ([name, prototype]) => [name, prototype, Reflect.ownKeys(prototype)] as const,
)

process.on('exit', () => {
  const added = before.flatMap(([name, prototype, keys]) =>
    Reflect.ownKeys(prototype)
      .filter((key) => !keys.includes(key))
      .map((key) => `${name}.${String(key)}`),
  )
  process.stderr.write(`prototypes: ${added.length === 0 ? 'as they were' : added.join()}\n`)
})
