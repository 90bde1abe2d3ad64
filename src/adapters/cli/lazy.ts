/** A command that is loaded when it is given: a hub that runs for years keeps none in memory but `start`. */
export function lazy<Command extends (...args: never[]) => Promise<unknown>>(load: () => Promise<Command>): Command {
  return ((...args: Parameters<Command>) => load().then((command) => command(...args))) as Command
}
